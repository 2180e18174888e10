# .tbl → C.  Included behind GEN_STORE and before GEN: adds the list of all tables, and the tables
# that tests and benchmarks declare for themselves.
.DEFAULT_GOAL := all

GEN_STORE += $(B)/gen/store/store_tables.c
$(B)/gen/store/store_tables.h: $(B)/gen/store/store_tables.c
$(B)/gen/store/store_tables.c: $(TBL) $(B)/tools/tblgen
	@mkdir -p $(@D)
	$(B)/tools/tblgen -l store_tables $(TBL) $(@D)

# In libwelkin.a, where only those who name them link them.
TEST_TBL := $(wildcard tests/*/*.tbl)
GEN_STORE += $(foreach t,$(TEST_TBL),$(B)/gen/tests/$(basename $(notdir $(t)))_rows.c)
define TEST_TBL_RULE
$(B)/gen/tests/$(basename $(notdir $(1)))_rows.h: $(B)/gen/tests/$(basename $(notdir $(1)))_rows.c
$(B)/gen/tests/$(basename $(notdir $(1)))_rows.c: $(1) $(B)/tools/tblgen
	@mkdir -p $$(@D)
	$(B)/tools/tblgen $(1) $$(@D)
endef
$(foreach t,$(TEST_TBL),$(eval $(call TEST_TBL_RULE,$(t))))
