# 2care. `make` builds; `make help` lists the rest.
# ./configure.sh writes config.mk (compiler, paths, package flags).

-include config.mk

BUILD	?= build
CC	?= gcc
PKGS	:= libpq jansson openssl libcurl libsodium
PKG_CFLAGS ?= $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   ?= $(shell pkg-config --libs $(PKGS)) -lfcgi

OPT	?= -O2
CSTD	:= -std=c11 -D_GNU_SOURCE
WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wold-style-definition \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla -Wnull-dereference -Wdouble-promotion \
	-Wimplicit-fallthrough -Wdate-time -fno-common
HARDEN	?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fPIE
LDHARD	?= -pie -Wl,-z,relro,-z,now
ifeq ($(DEV),1)
WARN	+= -Werror
endif
CFLAGS	?= -g
ALL_CFLAGS = $(CSTD) $(OPT) $(CFLAGS) $(WARN) $(HARDEN) $(SAN) \
	-Ibackend -I$(BUILD)/gen $(PKG_CFLAGS)
ALL_LDFLAGS = $(LDFLAGS) $(LDHARD) $(SAN)

LAYERS	:= base wire fhir rest oauth platform jobs api
LIB_SRC	:= $(foreach l,$(LAYERS),$(wildcard backend/$(l)/*.c)) \
	$(wildcard backend/fhir/gen/*.c)
LIB_OBJ	:= $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/queries.o
MAIN_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard backend/main/*.c))
TESTS	:= $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
TOOLS	:= $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/tool_*.c))
QUERIES	:= $(sort $(wildcard sql/queries/*.sql))

.PHONY: all tests unit clean
all: $(BUILD)/twocare

$(BUILD)/twocare: $(MAIN_OBJ) $(BUILD)/libtwocare.a
	$(CC) $(ALL_LDFLAGS) -o $@ $(MAIN_OBJ) $(BUILD)/libtwocare.a $(PKG_LIBS)

$(BUILD)/libtwocare.a: $(LIB_OBJ)
	rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/gen/queries.h: $(QUERIES) tools/queries.awk
	@mkdir -p $(@D)
	awk -v header=1 -f tools/queries.awk $(QUERIES) /dev/null > $@
$(BUILD)/gen/queries.c: $(QUERIES) tools/queries.awk
	@mkdir -p $(@D)
	awk -f tools/queries.awk $(QUERIES) /dev/null > $@
$(BUILD)/gen/queries.o: $(BUILD)/gen/queries.c $(BUILD)/gen/queries.h
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.c | $(BUILD)/gen/queries.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

tests: $(TESTS) $(TOOLS)
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libtwocare.a
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libtwocare.a $(PKG_LIBS) \
	    $(shell pkg-config --libs check)

unit: $(TESTS)
	@for t in $(TESTS); do echo "== $$t"; $$t || exit 1; done

clean:
	rm -rf $(BUILD)

-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d)
.SECONDARY:
