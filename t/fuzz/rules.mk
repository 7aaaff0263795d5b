# Targets of libFuzzer: each t/fuzz/NAME.c with the files and libraries of its
# line `with:`, over ASan and UBSan. Debian's gcc has no libFuzzer: clang.

FUZZ    := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/*.c))
FUZZERS := $(FUZZ:%=build/fuzz/%)
FUZZ_CC := clang -std=gnu11 -g -O1 -fno-omit-frame-pointer $(WARN) $(KIT_INC) \
           -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

.PHONY: fuzzers
fuzzers: $(FUZZERS)

build/fuzz/obj/%.o: %.c | $(NGX)/ngx_http_voltgate_module_modules.c
	@mkdir -p $(@D)
	$(call say,CC  ) $(FUZZ_CC) -MMD -MP -c -o $@ $<

# FUZZ_TARGET(name, files, libraries)
define FUZZ_TARGET
build/fuzz/$(1): $(patsubst %.c,build/fuzz/obj/%.o,$(sort t/fuzz/$(1).c $(JSON_SRC) $(2)))
	@mkdir -p $$(@D)
	$$(call say,FUZZ) $(FUZZ_CC) -o $$@ $$^ $(3) -lyajl
endef
$(foreach f,$(FUZZ),$(eval $(call FUZZ_TARGET,$(f),$(call with,t/fuzz/$(f).c,1),$(call with,t/fuzz/$(f).c,2))))
-include $(shell find build/fuzz/obj -type f -name '*.d' 2>/dev/null)
