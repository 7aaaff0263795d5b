# Everything is built here except nginx itself, of which only the generated
# headers are taken (docker/headers, once per version of nginx-dev).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

B       ?= build
NGX     := build/nginx
VG_STATE ?= .voltgate
VG_PORT ?= 8443
export B VG_STATE VG_PORT

# one short line a file; V=1 shows the commands
V       ?= 0
say      = @echo '  $(1)  $@'; $(if $(filter 1,$(V)),set -x;)

CC      := gcc
WARN    := -Wall -Wextra -Werror -Wno-missing-field-initializers -Wshadow -Wstrict-prototypes
CFLAGS  := -std=gnu11 -g -fPIC -fvisibility=hidden -fno-omit-frame-pointer \
           -fstack-protector-strong $(WARN)
LDFLAGS := -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
ifdef SANITIZE
# instrumented code makes gcc see uninitialised variables and NULLs that are none
CFLAGS  += -O1 -fsanitize=address,undefined -Wno-maybe-uninitialized -Wno-format-truncation
LDFLAGS += -fsanitize=address,undefined
else ifdef COVERAGE
# with a sanitizer, beside which core/elf.c lets constructors be: gcov has some
CFLAGS  += -O0 --coverage -fsanitize=undefined
LDFLAGS += --coverage -fsanitize=undefined
else
CFLAGS  += -O2 -D_FORTIFY_SOURCE=2
endif

SRC     := /usr/share/nginx/src/src
ROOMS   := $(patsubst %/,%,$(wildcard nginx-modules/*/))
KIT_INC := $(ROOMS:%=-iquote %) $(addprefix -isystem ,$(NGX) $(SRC)/core $(SRC)/event \
           $(SRC)/event/modules $(SRC)/os/unix $(SRC)/http $(SRC)/http/modules \
           $(SRC)/http/v2) -isystem /usr/include/postgresql \
           -isystem $(shell pkg-config --variable=includedir luajit 2>/dev/null)
# a language is a shared object of its own, which needs a runtime that the kit
# does without
LUA_SRC := $(sort $(wildcard nginx-modules/lua/*.c))
KIT_SRC := $(filter-out $(LUA_SRC),$(sort $(wildcard nginx-modules/*/*.c)))
KIT_OBJ := $(KIT_SRC:%.c=$(B)/obj/%.o) $(B)/obj/modules.o
KIT_LIB := $(shell vg_libs=; for c in nginx-modules/*/config; do . ./$$c; done; echo $$vg_libs)
MODULES := $(shell sed -n "s/^ngx_module_t  *\([a-z_]*\).*/\1/p" $(KIT_SRC) /dev/null | sort)

# the examples are what others are copied from
PLUGINS := $(filter-out example-%,$(sort $(patsubst plugins/%/,%,$(wildcard plugins/*/))))
C_PLUGINS := $(foreach p,$(PLUGINS),$(if $(wildcard plugins/$(p)/*.c),$(p)))
CLI_SRC := $(sort $(wildcard cli/*.c))
JSON_SRC := $(addprefix nginx-modules/core/,vg_json.c vg_out.c vg_text.c instant.c)
SHARED_SRC := $(JSON_SRC) $(addprefix nginx-modules/core/,install.c elf.c prune.c schema.c schemas.c) \
              nginx-modules/issuer/signing.c
UNITS   := $(sort $(wildcard t/kit/unit_*.c plugins/*/t/unit_*.c))
UNIT_BIN := $(UNITS:%.c=$(B)/unit/%)
C_FILES := $(sort $(shell find nginx-modules plugins cli t -name "*.[ch]"))

.PHONY: help up down test unit check publish fmt bench asan fuzz coverage soak chaos routes clean \
        build units kit plugins cli FORCE

help:
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

up: ## install what is missing, build, start, seed; prints how to call it; DEMO=1 plays chargers
	@docker/install run build
	@$(MAKE) --no-print-directory -j$$(nproc) build
	@docker/pages
	@docker/up

down: ## stop what `make up` started; the data stay
	@docker/down

test: ## everything, on a cluster and ports of its own
	@docker/install
	@$(MAKE) --no-print-directory -j$$(nproc) build units fuzzers
	@t/run

asan: ## the same tests over a build with ASan and UBSan
	@docker/install
	@$(MAKE) --no-print-directory -j$$(nproc) B=build/asan SANITIZE=1 build units fuzzers
	@B=build/asan SANITIZE=1 t/run

check: $(NGX)/ngx_http_voltgate_module_modules.c cli ## formatter, linters, sizes, heads of statements, borders
	@docker/install test
	@C_FILES="$(C_FILES)" KIT_INC="$(KIT_INC)" t/check/run

publish: cli ## write down the events' schemas, unless one breaks what was published
	@$(B)/voltgate schema publish plugins/*/events nginx-modules/*/events

fmt: ## format all C files
	@clang-format -i $(C_FILES)

fuzz: ## libFuzzer, FUZZ_SECONDS (20) for each target of t/fuzz
	@docker/install
	@$(MAKE) --no-print-directory -j$$(nproc) fuzzers
	@t/fuzz/run

coverage: ## the tests, and which lines they ran; 80 % of all, all of what counts money
	@docker/install
	@$(MAKE) --no-print-directory -j$$(nproc) B=build/coverage COVERAGE=1 build units
	@t/coverage/run

soak: build ## a million calls, and the memory of the workers
	@t/soak/run

chaos: build ## bad days: processes killed at random while events are told and money moves; CHAOS_SEED
	@CHAOS_SECONDS=$${CHAOS_SECONDS:-60} CHAOS_SESSIONS=$${CHAOS_SESSIONS:-1000} t/run t/chaos/chaos.t t/chaos/money.t

bench: build $(B)/bench/lane $(B)/bench/breaker $(B)/bench/token $(B)/bench/limit ## loads beside their limits, three runs, medians
	@t/bench/run

$(B)/bench/lane: t/bench/lane.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) $(LDFLAGS) -isystem /usr/include/postgresql -o $@ $< -lpq

$(B)/bench/token: t/bench/token.c $(JSON_SRC) $(addprefix nginx-modules/auth/,jwt.c jwt_keys.c jwt_signature.c claims.c sip.c)
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) $(LDFLAGS) $(ROOMS:%=-iquote %) -o $@ $^ -lyajl -ljwt -lcrypto

$(B)/bench/breaker: t/bench/breaker.c nginx-modules/outbound/breaker.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/bench/limit: t/bench/limit.c nginx-modules/limit/gcra.c nginx-modules/limit/place.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

routes: ## the routes of the running gateway
	@docker/routes

clean: ## remove what was built; no data
	rm -rf build


# ------------------------------------------------------------------ the kit

build: kit plugins cli
kit: $(B)/kit/current $(B)/kit/lua

# written anew only when nginx-dev or the set of nginx modules changes
$(NGX)/wanted: FORCE
	@mkdir -p $(@D)
	@{ dpkg-query -W nginx-dev; echo '$(MODULES)'; cat config; } >$@.now
	@if cmp -s $@.now $@; then rm $@.now; else mv $@.now $@; fi

$(NGX)/ngx_http_voltgate_module_modules.c: $(NGX)/wanted
	docker/headers $(NGX)
	@touch $@

$(B)/obj/modules.o: $(NGX)/ngx_http_voltgate_module_modules.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) -fvisibility=default $(KIT_INC) -c -o $@ $<

# what /info says: written anew only when another commit is built
COMMIT := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
$(B)/commit: FORCE
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = '$(COMMIT)' ] || echo '$(COMMIT)' >$@
$(B)/obj/nginx-modules/observe/pages.o: $(B)/commit
$(B)/obj/nginx-modules/observe/pages.o: CFLAGS += -DVG_COMMIT='"$(COMMIT)"'

# a room's events are parts of it
$(B)/obj/nginx-modules/events/told.o: $(wildcard nginx-modules/events/events/*.json)
$(B)/obj/nginx-modules/events/told.o: CFLAGS += -I nginx-modules/events

$(B)/obj/nginx-modules/%.o: nginx-modules/%.c \
        | $(NGX)/ngx_http_voltgate_module_modules.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) $(KIT_INC) -MMD -MP -c -o $@ $<

$(B)/ngx_http_voltgate_module.so: $(KIT_OBJ)
	$(call say,LINK) $(CC) -shared -Wl,-Bsymbolic $(LDFLAGS) -o $@.new $^ $(KIT_LIB)
	@! nm -D --undefined-only $@.new | grep ' vg_'
	@mv $@.new $@

# glibc gives back the loaded object for a known path, so the content is in
# the name; older ones stay for gateways that may reload with them.
$(B)/kit/current: $(B)/ngx_http_voltgate_module.so
	@mkdir -p $(@D)
	@hash=$$(sha256sum <$< | cut -c1-16) && \
	name=ngx_http_voltgate_module.$$hash.so && \
	cp $< $(@D)/.$$name && mv $(@D)/.$$name $(@D)/$$name && echo $$name >$@


# over whichever of the two LuaJIT runtimes is installed
$(B)/ngx_http_voltgate_lua_module.so: $(LUA_SRC:%.c=$(B)/obj/%.o) $(B)/obj/nginx-modules/outbound/breaker.o
	$(call say,LINK) $(CC) -shared -Wl,-Bsymbolic $(LDFLAGS) -o $@.new $^ -lluajit-5.1 -lcrypto -lrt
	@mv $@.new $@

$(B)/kit/lua: $(B)/ngx_http_voltgate_lua_module.so
	@mkdir -p $(@D)
	@hash=$$(sha256sum <$< | cut -c1-16) && \
	name=ngx_http_voltgate_lua_module.$$hash.so && \
	cp $< $(@D)/.$$name && mv $(@D)/.$$name $(@D)/$$name && echo $$name >$@


# -------------------------------------------------------------- the plugins

plugins: $(C_PLUGINS:%=$(B)/plugins/%.so)

$(B)/obj/plugins/%.o: plugins/%.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) -iquote nginx-modules/core -MMD -MP -c -o $@ $<

# PLUGIN_RULE(name): all .c files of its folder make one shared object
define PLUGIN_RULE
$(B)/plugins/$(1).so: $$(patsubst %.c,$(B)/obj/%.o,$$(sort $$(wildcard plugins/$(1)/*.c)))
	@mkdir -p $$(@D)
	$$(call say,LINK) $$(CC) -shared -Wl,-Bsymbolic $$(LDFLAGS) -o $$@.new $$^
	@mv $$@.new $$@
endef
$(foreach p,$(C_PLUGINS),$(eval $(call PLUGIN_RULE,$(p))))


# ------------------------------------------------------------------ the CLI

cli: $(B)/voltgate

$(B)/obj/cli/%.o: cli/%.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) -iquote nginx-modules/core -iquote nginx-modules/issuer \
	    -isystem /usr/include/postgresql -MMD -MP -c -o $@ $<

$(B)/voltgate: $(CLI_SRC:%.c=$(B)/obj/%.o) $(SHARED_SRC:%.c=$(B)/obj/%.o)
	$(call say,LINK) $(CC) $(LDFLAGS) -o $@ $^ \
	    -lpq -ljwt -lwslay -lyajl -lcurl -lrabbitmq -lrdkafka -lssl -lcrypto


# --------------------------------------------------------------- unit tests

units: $(UNIT_BIN) $(B)/relay/mock

unit: units ## build and run the C programs among the tests
	@PERL5LIB=t/lib prove --formatter Voltgate::Tally $(UNIT_BIN)

# all of them with what vg_json.h offers; -MF because one command compiles and links
unit_cc = $(call say,UNIT) mkdir -p $(@D); rm -f $@.d; \
          $(CC) $(CFLAGS) $(LDFLAGS) $(1) -MMD -MP -MF $@.d -o $@ \
          $< $(filter %.o,$^) $(2) -lyajl -lcrypto
objects = $(patsubst %.c,$(B)/obj/%.o,$(sort $(JSON_SRC) $(1)))

# a Kafka, and who reads from it, for t/relay/kafka.t
$(B)/relay/mock: t/relay/mock.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -lrdkafka

# A plugin's: with its pure files, those that include vg.h neither themselves
# nor by a header of their folder.
pure = $(addprefix $(1),$(shell cd $(1) && \
       h=$$(grep -ls '"vg\.h"' *.h | paste -sd'|' || :); \
       ls *.c 2>/dev/null | xargs -r grep -LE "\"(vg\.h$${h:+|$$h})\"" || :))

# PLUGIN_UNIT(test without .c, folder of the plugin)
define PLUGIN_UNIT
$(B)/unit/$(1): $(1).c $(call objects,$(call pure,$(2)))
	$$(call unit_cc,-iquote nginx-modules/core -iquote $(2))
endef
$(foreach u,$(filter plugins/%,$(UNITS:%.c=%)),\
    $(eval $(call PLUGIN_UNIT,$(u),$(patsubst %/t/,%/,$(dir $(u))))))

# The kit's: with what they name in a line `with: files | libraries`.
# KIT_UNIT(test without .c, files, libraries)
with = $(shell sed -n 's,.*with: *\([^|*]*\)|* *\([^*]*\).*,\$(2),p;20q' $(1))
define KIT_UNIT
$(B)/unit/$(1): $(1).c $(call objects,$(2))
	$$(call unit_cc,$(ROOMS:%=-iquote %),$(3))
endef
$(foreach u,$(filter t/%,$(UNITS:%.c=%)),\
    $(eval $(call KIT_UNIT,$(u),$(call with,$(u).c,1),$(call with,$(u).c,2))))

include t/fuzz/rules.mk

-include $(shell find $(B)/obj $(B)/unit -type f -name '*.d' 2>/dev/null)
