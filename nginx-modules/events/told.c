/*
 * told.c: the events that this room itself tells. Their schemas are files, as
 * those of plugins are; they are taken into the kit, for they are of its
 * version, and what runs has no sources beside it.
 */

#include "events.h"

__asm__(".pushsection .rodata\n"
        "vg_told_failed:\n"
        ".incbin \"events/event.failed.v1.json\"\n"
        ".byte 0\n"
        ".popsection\n");

extern const char vg_told_failed[] __attribute__((visibility("hidden")));


ngx_int_t
vg_told_init(ngx_conf_t *cf)
{
    return vg_webhooks_kit(cf, "event.failed.v1", vg_told_failed);
}
