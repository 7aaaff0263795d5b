/*
 * schema.c: what the schema of a payload may say, and whether one takes the
 * place of another. No files, no memory.
 *
 * A type only ever gains optional members. Anything else is a v2: also what
 * looks harmless, since the log keeps what was told before. A member that is
 * now required is missing in older events, and a word that an enum gained is
 * one that a consumer has no branch for.
 */

#include <stdio.h>
#include <string.h>

#include "schema.h"

typedef enum {
    FREE,  /* for people                                                  */
    TEXT,  /* a string, the same for good                                 */
    SET,   /* a string or an array of such, in any order                  */
    BOUND, /* a number                                                    */
    SHAPE, /* schemas below                                               */
} keyword_t;

static const struct {
    const char *name;
    keyword_t   kind;
} keywords[] = {
    { "$schema", FREE },    { "title", FREE },      { "description", FREE },
    { "examples", FREE },   { "x-audience", FREE }, { "type", SET },
    { "enum", SET },        { "required", SHAPE },  { "format", TEXT },
    { "pattern", TEXT },    { "minimum", BOUND },   { "maximum", BOUND },
    { "minLength", BOUND }, { "maxLength", BOUND }, { "minItems", BOUND },
    { "maxItems", BOUND },  { "items", SHAPE },     { "properties", SHAPE },
    { NULL, FREE },
};

static const char *const types[] = { "string", "integer", "number", "boolean",
                                     "object", "array",   "null",   NULL };

static bool node_fits(const vg_json_t *node, size_t len,
                      vg_schema_fault_t *fault);
static bool node_follows(const vg_json_t *is, const vg_json_t *was, bool back,
                         size_t len, vg_schema_fault_t *fault);


static bool
fails(vg_schema_fault_t *fault, const char *why)
{
    fault->why = why;
    return false;
}


/* writes a step of the path behind its first len characters */
static size_t
step(vg_schema_fault_t *fault, size_t len, vg_str_t name)
{
    size_t left = sizeof(fault->member) - len;
    bool   below = len > 0 && name.len > 0 && *name.data != '[';
    int    n = snprintf(fault->member + len, left, "%s%.*s", below ? "." : "",
                        (int) name.len, name.data);

    return n < 0 ? len : len + ((size_t) n < left ? (size_t) n : left - 1);
}


static void
back_to(vg_schema_fault_t *fault, size_t len)
{
    fault->member[len] = '\0';
}


/* of a string, or of an array of strings */
static bool
set_has(const vg_json_t *set, const vg_json_t *one)
{
    const vg_json_t *item;

    if (set == NULL || set->type != VG_JSON_ARRAY) {
        return set != NULL && set->type == one->type
               && set->text.len == one->text.len
               && memcmp(set->text.data, one->text.data, one->text.len) == 0;
    }
    for (item = set->first; item != NULL; item = item->next) {
        if (set_has(item, one)) {
            return true;
        }
    }
    return false;
}


static bool
set_within(const vg_json_t *some, const vg_json_t *all)
{
    const vg_json_t *item;

    if (some == NULL || some->type != VG_JSON_ARRAY) {
        return some != NULL && set_has(all, some);
    }
    for (item = some->first; item != NULL; item = item->next) {
        if (!set_has(all, item)) {
            return false;
        }
    }
    return true;
}


static bool
set_same(const vg_json_t *a, const vg_json_t *b)
{
    return a == NULL || b == NULL ? a == b
                                  : set_within(a, b) && set_within(b, a);
}


/* required: an array of names */
static bool
is_required(const vg_json_t *node, vg_str_t name)
{
    const vg_json_t  one = { .type = VG_JSON_STRING, .text = name };
    const vg_json_t *required = vg_json_get(node, "required");

    return required != NULL && set_has(required, &one);
}


static const vg_json_t *
member_of(const vg_json_t *properties, vg_str_t name)
{
    const vg_json_t *m = properties ? properties->first : NULL;

    while (m != NULL
           && (m->key.len != name.len
               || memcmp(m->key.data, name.data, name.len) != 0))
    {
        m = m->next;
    }
    return m;
}


/* ------------------------------------------------------- what it may say */

static bool
is_type(const vg_json_t *name)
{
    size_t i;

    for (i = 0; types[i] != NULL; i++) {
        if (name->type == VG_JSON_STRING && vg_str_eq(name->text, types[i])) {
            return true;
        }
    }
    return false;
}


static bool
keyword_fits(const vg_json_t *value, vg_schema_fault_t *fault)
{
    size_t           i = 0;
    const vg_json_t *item;

    while (keywords[i].name && !vg_str_eq(value->key, keywords[i].name)) {
        i++;
    }
    if (keywords[i].name == NULL) {
        return fails(fault, "has a keyword that two versions cannot be"
                            " compared by");
    }
    if (keywords[i].kind == TEXT && value->type != VG_JSON_STRING) {
        return fails(fault, "has a keyword that is no string");
    }
    if (keywords[i].kind == BOUND && value->type != VG_JSON_NUMBER) {
        return fails(fault, "has a bound that is no number");
    }
    if (keywords[i].kind == SET && value->type == VG_JSON_ARRAY) {
        for (item = value->first; item != NULL; item = item->next) {
            if (item->type != VG_JSON_STRING) {
                return fails(fault, "has a list of something else than"
                                    " strings");
            }
        }
        return value->first != NULL || fails(fault, "has an empty list");
    }
    return keywords[i].kind != SET || value->type == VG_JSON_STRING
           || fails(fault, "has a type or enum that is none");
}


static bool
type_fits(const vg_json_t *type, vg_schema_fault_t *fault)
{
    const vg_json_t *item;

    if (type == NULL) {
        return fails(fault, "has no type");
    }
    if (type->type != VG_JSON_ARRAY) {
        return is_type(type) || fails(fault, "has an unknown type");
    }
    for (item = type->first; item != NULL; item = item->next) {
        if (!is_type(item)) {
            return fails(fault, "has an unknown type");
        }
    }
    return true;
}


static bool
properties_fit(const vg_json_t *node, size_t len, vg_schema_fault_t *fault)
{
    const vg_json_t *m, *properties = vg_json_get(node, "properties");
    const vg_json_t *required = vg_json_get(node, "required");

    if (properties != NULL && properties->type != VG_JSON_OBJECT) {
        return fails(fault, "has properties that are no object");
    }
    if (required != NULL && required->type != VG_JSON_ARRAY) {
        return fails(fault, "has a required that is no array");
    }
    for (m = required ? required->first : NULL; m != NULL; m = m->next) {
        if (m->type != VG_JSON_STRING || !member_of(properties, m->text)) {
            return fails(fault, "requires what it does not describe");
        }
    }
    for (m = properties ? properties->first : NULL; m != NULL; m = m->next) {
        if (!node_fits(m, step(fault, len, m->key), fault)) {
            return false;
        }
        if (is_required(node, m->key)
            && set_has(
                vg_json_get(m, "type"),
                &(vg_json_t){ .type = VG_JSON_STRING, .text = VG_STR("null") }))
        {
            return fails(fault, "is required, and may be null");
        }
        back_to(fault, len);
    }
    return true;
}


static bool
node_fits(const vg_json_t *node, size_t len, vg_schema_fault_t *fault)
{
    const vg_json_t *m, *items;

    if (node->type != VG_JSON_OBJECT) {
        return fails(fault, "is no schema");
    }
    for (m = node->first; m != NULL; m = m->next) {
        if (!keyword_fits(m, fault)) {
            return false;
        }
    }
    items = vg_json_get(node, "items");
    if (!type_fits(vg_json_get(node, "type"), fault)
        || !properties_fit(node, len, fault))
    {
        return false;
    }
    if (items != NULL
        && !node_fits(items, step(fault, len, VG_STR("[]")), fault)) {
        return false;
    }
    back_to(fault, len);
    return true;
}


/* a partner's stream shows what is its company's: by these */
static bool
audience_fits(const vg_json_t *schema, vg_schema_fault_t *fault)
{
    const vg_json_t *of = vg_json_get(schema, "properties");
    vg_str_t         audience = vg_json_text(schema, "x-audience");

    if (audience.data != NULL) {
        return vg_str_eq(audience, "house")
               || fails(fault, "has an x-audience other than house");
    }
    return vg_json_get(of, "operatorId") || vg_json_get(of, "companyId")
           || vg_json_get(of, "customerId")
           || fails(fault,
                    "has neither operatorId, companyId nor customerId;"
                    " \"x-audience\": \"house\" says that it is nobody's");
}


bool
vg_schema_fits(const vg_json_t *schema, vg_schema_fault_t *fault)
{
    const vg_json_t *type;

    *fault->member = '\0';
    if (!node_fits(schema, 0, fault)) {
        return false;
    }
    type = vg_json_get(schema, "type");
    if (type->type != VG_JSON_STRING || !vg_str_eq(type->text, "object")) {
        return fails(fault, "is no object");
    }
    if (vg_json_text(schema, "description").len == 0) {
        return fails(fault, "has no description");
    }
    return audience_fits(schema, fault);
}


/* --------------------------------------------------- which changes break */

static bool
keywords_follow(const vg_json_t *is, const vg_json_t *was,
                vg_schema_fault_t *fault)
{
    size_t           i;
    const vg_json_t *a, *b;

    for (i = 0; keywords[i].name != NULL; i++) {
        a = vg_json_get(is, keywords[i].name);
        b = vg_json_get(was, keywords[i].name);
        if (keywords[i].kind == SET && !set_same(a, b)) {
            return fails(fault, keywords[i].name[0] == 't' ? "has another type"
                                                           : "has other words");
        }
        if ((keywords[i].kind == TEXT || keywords[i].kind == BOUND)
            && ((a == NULL) != (b == NULL) || (a != NULL && !set_has(a, b))))
        {
            return fails(fault, "has another format or bound");
        }
    }
    return true;
}


static bool
gained_follow(const vg_json_t *is, const vg_json_t *was, size_t len,
              vg_schema_fault_t *fault)
{
    const vg_json_t *m, *had = vg_json_get(was, "properties");
    const vg_json_t *has = vg_json_get(is, "properties");

    for (m = has ? has->first : NULL; m != NULL; m = m->next) {
        if (member_of(had, m->key) == NULL && is_required(is, m->key)) {
            (void) step(fault, len, m->key);
            return fails(fault, "is new, and required");
        }
    }
    return true;
}


static bool
properties_follow(const vg_json_t *is, const vg_json_t *was, bool back,
                  size_t len, vg_schema_fault_t *fault)
{
    const vg_json_t *m, *now, *had = vg_json_get(was, "properties");

    for (m = had ? had->first : NULL; m != NULL; m = m->next) {
        size_t below = step(fault, len, m->key);

        now = member_of(vg_json_get(is, "properties"), m->key);
        if (now == NULL && (!back || is_required(was, m->key))) {
            return fails(fault, "is gone");
        }
        if (now != NULL && is_required(is, m->key) != is_required(was, m->key))
        {
            return fails(fault, is_required(is, m->key)
                                    ? "was optional, and is required"
                                    : "was required, and is optional");
        }
        if (now != NULL && !node_follows(now, m, back, below, fault)) {
            return false;
        }
        back_to(fault, len);
    }
    return gained_follow(is, was, len, fault);
}


static bool
node_follows(const vg_json_t *is, const vg_json_t *was, bool back, size_t len,
             vg_schema_fault_t *fault)
{
    const vg_json_t *a = vg_json_get(is, "items");
    const vg_json_t *b = vg_json_get(was, "items");

    if (!keywords_follow(is, was, fault)
        || !properties_follow(is, was, back, len, fault))
    {
        return false;
    }
    if ((a == NULL) != (b == NULL)) {
        return fails(fault, "has other items");
    }
    if (a != NULL
        && !node_follows(a, b, back, step(fault, len, VG_STR("[]")), fault))
    {
        return false;
    }
    back_to(fault, len);
    return true;
}


bool
vg_schema_follows(const vg_json_t *is, const vg_json_t *was, bool back,
                  vg_schema_fault_t *fault)
{
    *fault->member = '\0';
    return node_follows(is, was, back, 0, fault);
}
