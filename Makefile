# Welkin: plain GNU make.  `make` builds build/welkin; `make help` lists the rest.
#
#   B=DIR     where to build (default build, or build-san with SAN=1)
#   CC=clang  another compiler
#   V=1       show the commands
#   SAN=1     AddressSanitizer and UndefinedBehaviorSanitizer

SAN ?=
Q := $(if $(V),,@)
# What is being made, unless `make -s`.
SAY := $(if $(findstring s,$(firstword -$(MAKEFLAGS))),@:,@echo)
B ?= build$(if $(SAN),-san)
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
.DEFAULT_GOAL := all
VERSION := $(shell cat VERSION)

CFLAGS_EXTRA ?=
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
        -Wwrite-strings -Wvla -Wformat=2 -Wno-missing-field-initializers -Werror
CPPFLAGS := -D_GNU_SOURCE -Isrc -I$(B) -Itests
CFLAGS := -std=gnu11 -O2 -g -fno-strict-aliasing -fno-omit-frame-pointer -fstack-protector-strong \
          -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections $(WARN) $(CFLAGS_EXTRA)
LDFLAGS := -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,pack-relative-relocs
LDLIBS := -lsqlite3 -lyaml -lz -lssl -lcrypto -lmnl -lnftnl -lseccomp -lpthread -lm
ifneq ($(SAN),)
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -DWELKIN_DEBUG
LDFLAGS += -fsanitize=address,undefined
endif

SERVICES := ec2 sts iam kms ssm secretsmanager servicequotas cloudformation \
            ec2instanceconnect resourcegroupstaggingapi ram resourcegroups s3 ecr autoscaling \
            cloudwatch lambda events elbv2 sns sqs rds
FOLDERS := base sys loop codec policy placement store api $(SERVICES) host host/sandbox guestnet \
           balancer daemon

SRC := $(filter-out src/daemon/main.c src/balancer/main.c,$(foreach f,$(FOLDERS),$(wildcard src/$(f)/*.c)))
GEN_API := $(foreach s,$(SERVICES),$(B)/gen/api/$(s).c)
TBL := $(wildcard src/*/*.tbl)
GEN_STORE := $(foreach t,$(TBL),$(B)/gen/store/$(basename $(notdir $(t)))_rows.c)
include $(wildcard tools/datagen/datagen.mk)
GEN := $(GEN_API) $(GEN_STORE) $(GEN_DATA) $(B)/gen/store/tables.c
GEN_H := $(GEN:.c=.h)
OBJ := $(SRC:src/%.c=$(B)/obj/%.o) $(GEN:$(B)/%.c=$(B)/obj/%.o)

all: $(B)/welkin $(B)/welkin-init $(B)/welkin-balancer

include src/guest/guest.mk

# ---- generated code ----

# A header is made with its source; the empty recipe has make look at its time again.

TOOL_BASE := $(addprefix src/base/,arena.c str.c buf.c)
define TOOL_RULE
$(B)/tools/$(1): $(wildcard tools/$(1)/*.[ch]) $(TOOL_BASE)
	@mkdir -p $$(@D)
	$(SAY) 'LD $$@'
	$(Q)$$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g $$(WARN) -Isrc -o $$@ $$(filter %.c,$$^)
endef
$(foreach t,apigen tblgen,$(eval $(call TOOL_RULE,$(t))))

define API_RULE
$(B)/gen/api/$(1).h: $(B)/gen/api/$(1).c ; @:
$(B)/gen/api/$(1).c: api/$(1).api src/$(1)/$(1).ops $(B)/tools/apigen
	@mkdir -p $$(@D)
	$(SAY) 'GEN $$@'
	$(Q)$(B)/tools/apigen api/$(1).api src/$(1)/$(1).ops $$(@D)
endef
$(foreach s,$(SERVICES),$(eval $(call API_RULE,$(s))))
define TBL_RULE
$(B)/gen/store/$(basename $(notdir $(1)))_rows.h: $(B)/gen/store/$(basename $(notdir $(1)))_rows.c ; @:
$(B)/gen/store/$(basename $(notdir $(1)))_rows.c: $(1) $(B)/tools/tblgen
	@mkdir -p $$(@D)
	$(SAY) 'GEN $$@'
	$(Q)$(B)/tools/tblgen $(1) $$(@D)
endef
$(foreach t,$(TBL),$(eval $(call TBL_RULE,$(t))))

# The tables of tests and benchmarks.
define TEST_TBL_RULE
$(B)/gen/tests/$(basename $(notdir $(1)))_rows.h: $(B)/gen/tests/$(basename $(notdir $(1)))_rows.c ; @:
$(B)/gen/tests/$(basename $(notdir $(1)))_rows.c: $(1) $(B)/tools/tblgen
	@mkdir -p $$(@D)
	$(SAY) 'GEN $$@'
	$(Q)$(B)/tools/tblgen $(1) $$(@D)
endef
TEST_TBL := $(wildcard tests/*/*.tbl)
$(foreach t,$(TEST_TBL),$(eval $(call TEST_TBL_RULE,$(t))))
# And their descriptions of services that nobody implements.
define TEST_API_RULE
$(B)/gen/tests/$(basename $(notdir $(1))).h: $(B)/gen/tests/$(basename $(notdir $(1))).c ; @:
$(B)/gen/tests/$(basename $(notdir $(1))).c: $(1) $(B)/tools/apigen
	@mkdir -p $$(@D)
	$(SAY) 'GEN $$@'
	$(Q)$(B)/tools/apigen $(1) /dev/null $$(@D)
	@sed -i 's,"gen/api/,"gen/tests/,' $(B)/gen/tests/$(basename $(notdir $(1))).c
endef
TEST_API := $(wildcard tests/*/*.api)
$(foreach t,$(TEST_API),$(eval $(call TEST_API_RULE,$(t))))
GEN_TESTS := $(foreach t,$(TEST_TBL),$(B)/gen/tests/$(basename $(notdir $(t)))_rows.c) \
             $(foreach t,$(TEST_API),$(B)/gen/tests/$(basename $(notdir $(t))).c)
TEST_ROWS := $(GEN_TESTS:$(B)/%.c=$(B)/obj/%.o)

# All tables of all .tbl files, so that none can be forgotten.
$(B)/gen/store/tables.h: $(B)/gen/store/tables.c ; @:
$(B)/gen/store/tables.c: $(TBL) tools/all-tables
	@mkdir -p $(@D)
	$(SAY) 'GEN $@'
	$(Q)tools/all-tables $(@D)/tables $(TBL)

# ---- objects ----

# Who tells the version is made anew with it; nobody else is.
VERSIONED := $(addprefix $(B)/obj/,daemon/admin.o daemon/main.o guestnet/role.o)
$(VERSIONED): CPPFLAGS += -DWELKIN_VERSION='"$(VERSION)"'
$(VERSIONED): VERSION

# A reply of a thousand instances is an eighth cheaper so.
$(B)/obj/api/encode_xml.o: CFLAGS += -O3 -fomit-frame-pointer

$(B)/obj/%.o: src/%.c | $(GEN_H)
	@mkdir -p $(@D)
	$(SAY) 'CC $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/obj/gen/%.o: $(B)/gen/%.c | $(GEN_H)
	@mkdir -p $(@D)
	$(SAY) 'CC $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/obj/tests/%.o: tests/%.c | $(GEN_H) $(GEN_TESTS:.c=.h)
	@mkdir -p $(@D)
	$(SAY) 'CC $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libwelkin.a: $(OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $(OBJ)

$(B)/welkin: $(B)/obj/daemon/main.o $(B)/libwelkin.a
	$(SAY) 'LD $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Nodes of load balancers find no library in their sandboxes; no sanitizer links with -static.
$(B)/welkin-balancer: $(B)/obj/balancer/main.o $(B)/libwelkin.a
	$(SAY) 'LD $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(if $(SAN),,-static) -o $@ $^ $(if $(SAN),$(LDLIBS)) -lm

# ---- tests: a binary a suite ----

HARNESS := $(patsubst tests/%.c,$(B)/obj/tests/%.o,$(wildcard tests/harness/*.c))
define SUITE_RULE
$(B)/test-$(1): $(patsubst tests/%.c,$(B)/obj/tests/%.o,$(wildcard tests/$(1)/*.c)) $(HARNESS) $(TEST_ROWS) $(B)/libwelkin.a
	$(SAY) 'LD $$@'
	$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
SUITES := unit golden api sim live
$(foreach s,$(SUITES),$(eval $(call SUITE_RULE,$(s))))

test-rows: $(TEST_ROWS)

# What every machine can run.
WORKERS ?= $(shell nproc)
CHECKS = tidy=tools/check-tidy 'unit=$(B)/test-unit -j$(WORKERS)' golden=$(B)/test-golden \
         'api=$(B)/test-api -j$(WORKERS)' sim=$(B)/test-sim guest=$(B)/test-guest \
         guest-cfn=$(B)/test-guest-cfn 'fuzz=$(B)/fuzz-replay tests/fuzz'

check: all $(SUITES:%=$(B)/test-%) $(B)/test-guest $(B)/test-guest-cfn $(B)/fuzz-replay
	tools/run-tests $(CHECKS)

# The seeded simulation: make sim SEED=… N=…
SEED ?= 1
N ?= 100
sim: $(B)/test-sim
	SIM_SEED=$(SEED) SIM_RUNS=$(N) $(B)/test-sim -f

# Of placement alone, without a cloud around it: a hundred seeds a second.
sim-placement: $(B)/test-sim
	SIM_SEED=$(SEED) SIM_RUNS=$(N) nice -n 19 $(B)/test-sim -f 'whatever_*'

# Real sandboxes, as root; skipped with a reason where that is not possible.
live: all $(B)/test-live
	tools/run-tests live=$(B)/test-live 'end-to-end=tests/live/run $(B)'

# Stock clients against a running daemon.
clients: all
	tools/run-tests 'clients=tests/clients/run $(B)'

bench: all $(B)/bench-store $(B)/bench-encode
	tests/bench/run $(B)

# ---- fuzzing: one driver a decoder; replayed without a fuzzer in `make check` ----

FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_S ?= 600

# Every corpus and every regression through every driver, with whatever compiler built the rest.
$(B)/fuzz-replay: tests/fuzz/replay.c $(FUZZ:%=$(B)/obj/fuzz/%.o) $(TEST_ROWS) $(B)/libwelkin.a
	$(SAY) 'LD $@'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -DDRIVERS="$(foreach d,$(FUZZ),X($(d)))" -o $@ $^ $(LDLIBS)
$(B)/obj/fuzz/%.o: tests/fuzz/fuzz_%.c | $(GEN_H) $(GEN_TESTS:.c=.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -DLLVMFuzzerTestOneInput=fuzz_$* -Wno-missing-prototypes -c -o $@ $<

# The fuzzers themselves: libFuzzer of clang, ASan and UBSan, FUZZ_S seconds each.
fuzz:
	tests/fuzz/run $(FUZZ_S) $(FUZZ)

$(B)/bench-%: tests/bench/bench_%.c $(TEST_ROWS) $(B)/libwelkin.a | $(GEN_H) $(GEN_TESTS:.c=.h)
	$(SAY) 'LD $@'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# ---- habits ----

tidy:
	tools/check-layers
	tools/check-tidy
format:
	clang-format -i $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'tools/*.[ch]')
coverage-spec: $(SUITES:%=$(B)/test-%)
	tools/coverage-spec $(B)

compile_commands.json:
	tools/compile-commands '$(subst ','\'',$(CPPFLAGS) $(CFLAGS))' $(SRC) >$@

# ---- installing ----

PREFIX ?= /usr/local
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/welkin/images
	install -s -m 755 $(B)/welkin $(DESTDIR)$(PREFIX)/bin/welkin
	install -s -m 755 $(B)/welkin-balancer $(DESTDIR)$(PREFIX)/libexec/welkin/welkin-balancer
	install -m 755 $(B)/welkin-init $(DESTDIR)$(PREFIX)/libexec/welkin/welkin-init
	install -m 755 images/*.sh $(DESTDIR)$(PREFIX)/libexec/welkin/images

clean:
	rm -rf build build-* compile_commands.json

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -8
	@echo 'targets: all check sim fuzz live clients bench tidy format coverage-spec install clean'

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
.PHONY: all check sim sim-placement live clients bench fuzz tidy format coverage-spec install clean help compile_commands.json
.SECONDARY:
