/*
 * accounts.h: the fields and hooks that plugin.c puts into its routes.
 */

#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include "vg.h"

/* of a change that makes tokens void: how long those live that are out */
#define LIFETIME                                                               \
    {                                                                          \
        VG_SETTING, "accessLifetime", VG_INT, .about = "s, of access tokens"   \
    }

/* of a change that looks at a password */
#define GUARD                                                                  \
    { VG_BOUND, "address", VG_TEXT, .about = "who calls: its IP address" },    \
        { VG_SETTING, "attempts", VG_INT,                                      \
          .about = "wrong ones before a wait" },                               \
    {                                                                          \
        VG_SETTING, "attemptsAnywhere", VG_INT,                                \
            .about = "the same, of all places together"                        \
    }

/* of a change that mails a code */
#define CODE                                                                   \
    { VG_BOUND, "code", VG_TEXT, VG_SECRET, .about = "that is mailed" },       \
        { VG_BOUND, "salt", VG_TEXT, VG_SECRET, .about = "of the code" },      \
        { VG_BOUND, "hash", VG_TEXT, VG_SECRET, .about = "of the code" },      \
        { VG_SETTING, "codeLifetime", VG_INT, .about = "s" },                  \
        { VG_SETTING, "mails", VG_INT, .about = "to one address in an hour" }, \
    {                                                                          \
        VG_SETTING, "sandbox", VG_BOOL, .about = "mails are kept, not sent"    \
    }

#define PASSWORD_MIN 8
#define PASSWORD_MAX 128 /* characters: 512 bytes at most are hashed */

/* api_key.c */
extern const vg_field_t api_key_new_fields[];
extern const vg_field_t api_key_id_fields[];
extern const vg_field_t api_key_find_fields[];
extern const vg_field_t api_key_change_fields[];
extern const vg_field_t api_key_used_fields[];

vg_rc_t api_key_create_check(vg_call_t *call);
vg_rc_t api_key_change_check(vg_call_t *call);
vg_rc_t api_key_render(vg_call_t *call);

/* client.c: is the key that `row` shows the one whose secret came; are two
 * texts the same, in the same time wherever they differ */
vg_rc_t client_check(vg_call_t *call);
bool    secret_same(vg_str_t a, vg_str_t b);

/* code.c: a code and its hash, bound; the job that mails one */
typedef enum { CODE_VERIFY, CODE_RESET } code_t;

extern const vg_field_t code_mail_fields[];
extern const vg_step_t  code_mail_steps[];

vg_rc_t code_bind(vg_call_t *call, code_t kind);
vg_rc_t code_mail_check(vg_call_t *call);
bool    code_is_good(vg_str_t code, code_t kind);

/* me.c */
vg_rc_t me_render(vg_call_t *call);

/* password.c */
extern const vg_field_t password_change_fields[];
extern const vg_field_t password_forgot_fields[];
extern const vg_field_t password_reset_fields[];
extern const vg_step_t  password_change_steps[];
extern const vg_step_t  password_reset_steps[];

vg_rc_t password_change_check(vg_call_t *call);
vg_rc_t password_forgot_check(vg_call_t *call);
vg_rc_t password_reset_check(vg_call_t *call);
vg_rc_t guard_bind(vg_call_t *call);

/* refresh.c: refresh tokens */
vg_rc_t refresh_begin(vg_call_t *call);
vg_rc_t refresh_go_on(vg_call_t *call);

/* register.c */
extern const vg_field_t register_fields[];
extern const vg_field_t verify_fields[];
extern const vg_field_t verify_resend_fields[];
extern const vg_field_t sandbox_mail_fields[];
extern const vg_step_t  register_steps[];

/* what is said of people, here and in user.c; VG_ERROR: refused */
vg_rc_t person_check(vg_call_t *call);
vg_rc_t register_check(vg_call_t *call);
vg_rc_t verify_check(vg_call_t *call);
vg_rc_t verify_resend_check(vg_call_t *call);

/* revoke.c */
extern const vg_field_t token_revoke_fields[];
extern const vg_field_t introspect_fields[];
extern const vg_field_t identity_fields[];

vg_rc_t token_revoke_check(vg_call_t *call);
vg_rc_t introspect_check(vg_call_t *call);
vg_rc_t introspect_render(vg_call_t *call);

/* scope.c: is it domain:read or domain:write; may the caller pass it on; the
 * caller's own as a JSON array, null where they are all of the role's; the
 * next of a list with spaces, data NULL: there is none; is each of the one
 * list in the other */
bool     scope_is_good(vg_str_t scope);
bool     scope_held(const vg_caller_t *caller, vg_str_t scope);
void     scope_list(vg_out_t *out, const vg_caller_t *caller);
vg_str_t scope_next(vg_str_t *list);
bool     scope_within(vg_str_t some, vg_str_t all);

/* number.c: a number as JSON has it */
int64_t number_of(vg_str_t text);

/* token.c */
extern const vg_field_t token_fields[];
extern const vg_step_t  token_steps[];

vg_rc_t token_check(vg_call_t *call);
vg_rc_t token_render(vg_call_t *call);

/* user.c */
extern const vg_field_t user_id_fields[];
extern const vg_field_t user_list_fields[];
extern const vg_field_t user_patch_fields[];
extern const vg_field_t user_roles_fields[];

vg_rc_t user_roles_check(vg_call_t *call);

#endif /* ACCOUNTS_H */
