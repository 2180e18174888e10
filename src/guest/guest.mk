# The guest's init: one static binary that needs no libc of the image.
#
# musl, because a static glibc costs 0.4 ms more from exec to the first line and six times
# the size (measured: 0.13 ms and 100 KiB against 0.51 ms and 740 KiB).  Debian's
# libyaml.a and libz.a are built against glibc, but call only what has the same ABI in
# both (malloc, memcpy, strlen ...); their headers are reached through links in the
# build folder so that no header of glibc is seen.
#
# Included by the top Makefile, or alone: make -f src/guest/guest.mk B=/tmp/guest-build

B ?= build
CC ?= cc
GUEST_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
GUEST_TESTS := $(GUEST_DIR)../../tests/guest
GUEST_CC := $(CC)
GUEST_MUSL := /usr/include/$(shell uname -m)-linux-musl
GUEST_LIBS := $(shell $(CC) -print-file-name=libyaml.a) $(shell $(CC) -print-file-name=libz.a)

guest_warnings := -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -D_GNU_SOURCE
guest_target_cflags := $(guest_warnings) -Os -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections -fno-stack-protector -U_FORTIFY_SOURCE -fno-pie \
	-nostdinc -isystem $(GUEST_MUSL) -isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(B)/guest/include

guest_pure := text decode mime node userdata http dns accounts connect \
	cfn/json cfn/sign cfn/options cfn/mustache cfn/plan cfn/ini
guest_all := $(guest_pure) file fetch run state network parts modules users write_files \
	packages ssh boot power applets connect_command init fortify \
	cfn/cfn cfn/log cfn/proc cfn/client cfn/auth cfn/build cfn/accounts_tool cfn/commands_tool \
	cfn/files_tool cfn/packages_tool cfn/services_tool cfn/sources_tool cfn/init_command \
	cfn/ask_commands cfn/cmd_commands cfn/hup

$(B)/guest/include/.made:
	@mkdir -p $(@D)
	ln -sf /usr/include/yaml.h $(wildcard /usr/include/zlib.h) \
		$(firstword $(wildcard /usr/include/zconf.h /usr/include/*/zconf.h)) $(@D)/
	@touch $@

$(B)/guest/%.o: $(GUEST_DIR)%.c $(wildcard $(GUEST_DIR)*.h $(GUEST_DIR)cfn/*.h) $(B)/guest/include/.made
	@mkdir -p $(@D)
	$(GUEST_CC) $(guest_target_cflags) -c -o $@ $<

$(B)/welkin-init: $(guest_all:%=$(B)/guest/%.o)
	musl-gcc -static -no-pie -Wl,--gc-sections -s -o $@ $^ $(GUEST_LIBS)

# On the host, with the host's libc: unit tests and fuzzers of the pure parts.
guest_host_cflags := $(guest_warnings) -g -O1 -I$(GUEST_DIR)
guest_sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer

$(B)/test-guest: $(GUEST_TESTS)/test_guest.c $(guest_pure:%=$(GUEST_DIR)%.c) \
		$(wildcard $(GUEST_DIR)*.h $(GUEST_DIR)cfn/*.h)
	@mkdir -p $(@D)
	$(CC) $(guest_host_cflags) $(guest_sanitize) -o $@ $(filter %.c,$^) -lyaml -lz

$(B)/test-guest-cfn: $(GUEST_TESTS)/test_cfn.c $(guest_pure:%=$(GUEST_DIR)%.c) \
		$(wildcard $(GUEST_DIR)*.h $(GUEST_DIR)cfn/*.h)
	@mkdir -p $(@D)
	$(CC) $(guest_host_cflags) $(guest_sanitize) -o $@ $(filter %.c,$^) -lyaml -lz

$(B)/fuzz/guest_%: $(GUEST_TESTS)/fuzz_%.c $(guest_pure:%=$(GUEST_DIR)%.c) \
		$(wildcard $(GUEST_DIR)*.h $(GUEST_DIR)cfn/*.h)
	@mkdir -p $(@D)
	clang $(guest_host_cflags) $(guest_sanitize) -fsanitize=fuzzer -o $@ $(filter %.c,$^) -lyaml -lz

# The launcher of the live tests.
$(B)/test-guest-sandbox: $(GUEST_TESTS)/sandbox.c
	@mkdir -p $(@D)
	$(CC) $(guest_warnings) -Wno-missing-prototypes -O1 -o $@ $<
