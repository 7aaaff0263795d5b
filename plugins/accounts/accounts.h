/*
 * accounts.h: the fields and hooks that plugin.c puts into its routes.
 */

#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include "vg.h"

/* api_key.c */
extern const vg_field_t api_key_new_fields[];
extern const vg_field_t api_key_id_fields[];
extern const vg_field_t api_key_find_fields[];

vg_rc_t api_key_create_check(vg_call_t *call);
vg_rc_t api_key_render(vg_call_t *call);

/* me.c */
vg_rc_t me_check(vg_call_t *call);

/* scope.c: is it domain:read or domain:write; may the caller pass it on; the
 * caller's own as a JSON array, null where they are all of the role's */
bool scope_is_good(vg_str_t scope);
bool scope_held(const vg_caller_t *caller, vg_str_t scope);
void scope_list(vg_out_t *out, const vg_caller_t *caller);

#endif /* ACCOUNTS_H */
