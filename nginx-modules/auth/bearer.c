/*
 * bearer.c: a token, from its text to an identity.
 *
 * Read, issuer, keys, verified, claims, revocations, user: what is known at
 * once goes straight through. Two things are waited for, once each: the keys of
 * an issuer, and the word of whoever offers `identity.find` that the subject
 * is a user. The token's text lies in the request, so it is touched only while
 * the client is there.
 */

#include "identity.h"

typedef struct {
    vg_issuer_guest_t guest; /* first: it is what fetch.c gives back       */
    vg_call_t        *call;  /* waits; a reference is held                */
    vg_str_t          token;
    vg_jwt_t          jwt;
    vg_issuer_t      *issuer;
    vg_proved_t       proved;
    unsigned          waited:1;
} vg_bearer_t;

static vg_rc_t vg_bearer_verify(vg_http_t *http, vg_bearer_t *bearer);


/* ------------------------------------------------------------------- users */

static vg_rc_t
vg_bearer_keep(vg_bearer_t *bearer)
{
    vg_tokens_keep(bearer->call, bearer->token, &bearer->proved);
    return VG_OK;
}


/* A token that was made of a key is as limited as the key. */
static vg_rc_t
vg_bearer_found(vg_http_t *http, vg_bearer_t *bearer, const vg_call_t *answer)
{
    vg_call_t       *call = bearer->call;
    const vg_json_t *row;

    if (answer->error != NULL) {
        return answer->error->status == NGX_HTTP_NOT_FOUND
                   ? vg_auth_refuse(http, "the subject is not known")
                   : vg_auth_away(call, 2);
    }
    /* what was revoked meanwhile is not in what was seen before */
    if (vg_revoked_is(vg_revocations(), &bearer->proved.proof, call->now)) {
        return vg_auth_refuse(http, "the token was revoked");
    }
    row = vg_json_parse(&call->arena, answer->text, NULL);
    if (row == NULL || !vg_key_terms(call, row, &bearer->proved)) {
        return vg_auth_refuse(http, "the subject's limits cannot be read");
    }
    (void) vg_bearer_keep(bearer);
    return vg_proved_here(http, &bearer->proved);
}


static void
vg_bearer_answered(vg_call_t *answer)
{
    vg_bearer_t *bearer = answer->owner;
    vg_call_t   *call = bearer->call;
    vg_http_t   *http = call->owner; /* NULL: the client went */

    if (http != NULL) {
        vg_http_identified(http, vg_bearer_found(http, bearer, answer));
    }
    vg_call_release(call);
}


static vg_rc_t
vg_bearer_user(vg_bearer_t *bearer)
{
    vg_out_t     args;
    vg_call_t   *call = bearer->call;
    vg_bearer_t *copy = vg_alloc(&call->arena, sizeof(vg_bearer_t));

    vg_out_init(&args, &call->arena);
    vg_out_open(&args, '{');
    vg_out_member(&args, "id", call->caller.id);
    vg_out_close(&args, '}');
    if (copy == NULL || vg_out_str(&args).data == NULL) {
        return vg_refuse(call, "internal");
    }
    *copy = *bearer;
    vg_call_ref(call);
    if (vg_ask_start("identity.find", vg_out_str(&args), call->correlation,
                     vg_bearer_answered, copy)
        == NULL)
    {
        vg_call_release(call);
        return vg_auth_away(call, 2);
    }
    return VG_DONE;
}


/* ------------------------------------------------------------------ claims */

/* Nobody else's subject can be one of this house. */
static vg_str_t
vg_bearer_subject(vg_bearer_t *bearer, vg_str_t sub)
{
    const ngx_str_t *name = &bearer->issuer->name;

    return name->len == 0
               ? sub
               : vg_printf(&bearer->call->arena, "%.*s|%.*s", (int) name->len,
                           name->data, (int) sub.len, sub.data);
}


static vg_proof_t
vg_bearer_proof(vg_str_t subject, const vg_jwt_claims_t *said)
{
    return (vg_proof_t){ { vg_revocation_id(subject),
                           vg_revocation_id(said->sid),
                           vg_revocation_id(said->jti) },
                         said->iat };
}


static vg_rc_t
vg_bearer_claims(vg_http_t *http, vg_bearer_t *bearer,
                 const vg_jwt_claims_t *said)
{
    vg_call_t     *call = bearer->call;
    vg_proof_t    *proof = &bearer->proved.proof;
    vg_claims_t    claims;
    vg_jwt_error_t error;

    error = vg_claims_read(&bearer->issuer->map, bearer->jwt.payload, &claims);
    if (error != VG_JWT_OK) {
        return vg_auth_refuse(http, vg_jwt_error_text(error));
    }
    if (!vg_role_known(claims.role)) {
        return vg_auth_refuse(http, "the role is not known");
    }
    call->caller =
        (vg_caller_t){ .id = vg_bearer_subject(bearer, said->sub),
                       .role = claims.role,
                       .company = claims.company,
                       .scopes = claims.scope,
                       .session = said->sid.data ? said->sid : VG_STR(""),
                       .plan = VG_STR("") };
    if (call->caller.id.data == NULL) {
        return vg_refuse(call, "internal");
    }
    *proof = vg_bearer_proof(call->caller.id, said);
    call->proof = vg_alloc(&call->arena, sizeof(vg_proof_t));
    if (call->proof == NULL) {
        return vg_refuse(call, "internal");
    }
    *(vg_proof_t *) call->proof = *proof;
    return VG_OK;
}


/* Who is a user of the house is let in when it is known what was revoked, and
 * that there is such a user; others can only have been revoked since. */
static vg_rc_t
vg_bearer_admit(vg_http_t *http, vg_bearer_t *bearer)
{
    if (bearer->issuer->users && !vg_revocations_known()) {
        return vg_auth_away(bearer->call, 1);
    }
    bearer->proved.moved = vg_revoked_moved(vg_revocations());
    if (vg_revoked_is(vg_revocations(), &bearer->proved.proof,
                      bearer->call->now)) {
        return vg_auth_refuse(http, "the token was revoked");
    }
    return bearer->issuer->users ? vg_bearer_user(bearer)
                                 : vg_bearer_keep(bearer);
}


/* ------------------------------------------------------------------- keys */

static void
vg_bearer_resumed(vg_issuer_guest_t *guest)
{
    vg_rc_t      rc;
    vg_bearer_t *bearer = (vg_bearer_t *) guest;
    vg_call_t   *call = bearer->call;
    vg_http_t   *http = call->owner; /* NULL: the client went */

    if (http != NULL) {
        rc = vg_bearer_verify(http, bearer);
        if (rc != VG_DONE) {
            vg_http_identified(http, rc);
        }
    }
    vg_call_release(call);
}


/* VG_DECLINED: there is nothing to wait for */
static vg_rc_t
vg_bearer_wait(vg_bearer_t *bearer)
{
    vg_rc_t      rc;
    vg_bearer_t *copy;

    if (bearer->waited) {
        return VG_DECLINED;
    }
    copy = vg_alloc(&bearer->call->arena, sizeof(vg_bearer_t));
    if (copy == NULL) {
        return VG_DECLINED;
    }
    *copy = *bearer;
    copy->waited = 1;
    copy->guest.done = vg_bearer_resumed;
    rc = vg_issuer_wait(bearer->issuer, &copy->guest);
    if (rc == VG_DONE) {
        vg_call_ref(copy->call);
    }
    return rc;
}


static vg_rc_t
vg_bearer_verify(vg_http_t *http, vg_bearer_t *bearer)
{
    vg_rc_t              rc;
    vg_call_t           *call = bearer->call;
    vg_jwt_error_t       error = VG_JWT_KEY;
    vg_jwt_claims_t      said;
    const vg_jwt_keys_t *keys = vg_issuer_keys(bearer->issuer);

    bearer->proved.version = bearer->issuer->version;
    if (keys != NULL) {
        error = vg_jwt_verify(&bearer->jwt, keys, &bearer->issuer->terms,
                              call->now, &said);
    }
    if (error == VG_JWT_KEY && vg_bearer_wait(bearer) == VG_DONE) {
        return VG_DONE;
    }
    if (keys == NULL) {
        return vg_auth_away(call, 5);
    }
    if (error != VG_JWT_OK) {
        return vg_auth_refuse(http, vg_jwt_error_text(error));
    }
    bearer->proved.until = said.exp;
    call->expires = said.exp;
    rc = vg_bearer_claims(http, bearer, &said);
    return rc == VG_OK ? vg_bearer_admit(http, bearer) : rc;
}


vg_rc_t
vg_bearer_identify(vg_http_t *http, vg_str_t token)
{
    vg_call_t     *call = http->call;
    vg_bearer_t    bearer;
    vg_proved_t    proved;
    vg_jwt_error_t error;

    if (token.len >= 3 && ngx_strncmp(token.data, "vg_", 3) == 0) {
        return vg_auth_refuse(http, "an API key is no token");
    }
    if (vg_tokens_find(call, token, &proved)) {
        return vg_proved_here(http, &proved);
    }
    ngx_memzero(&bearer, sizeof(bearer));
    error = vg_jwt_read(&call->arena, token, &bearer.jwt);
    if (error != VG_JWT_OK) {
        return vg_auth_refuse(http, vg_jwt_error_text(error));
    }
    bearer.issuer = vg_issuer_of(bearer.jwt.issuer);
    if (bearer.issuer == NULL) {
        return vg_auth_refuse(http, vg_jwt_error_text(VG_JWT_ISSUER));
    }
    bearer.call = call;
    bearer.token = token;
    bearer.proved.issuer = bearer.issuer;
    return vg_bearer_verify(http, &bearer);
}


/* Of this house alone: what others say of their subjects is theirs. */
vg_str_t
vg_token_read(vg_call_t *call, vg_str_t token)
{
    vg_jwt_t             jwt;
    vg_str_t             none = { NULL, 0 };
    vg_proof_t           proof;
    vg_issuer_t         *issuer;
    vg_jwt_claims_t      said;
    const vg_jwt_keys_t *keys;

    if (vg_jwt_read(&call->arena, token, &jwt) != VG_JWT_OK) {
        return none;
    }
    issuer = vg_issuer_of(jwt.issuer);
    keys = issuer && issuer->name.len == 0 ? vg_issuer_keys(issuer) : NULL;
    if (keys == NULL
        || vg_jwt_verify(&jwt, keys, &issuer->terms, vg_time_now(), &said)
               != VG_JWT_OK)
    {
        return none;
    }
    proof = vg_bearer_proof(said.sub, &said);
    return vg_revoked(&proof) ? none : jwt.payload->raw;
}
