/* with: nginx-modules/core/schema.c nginx-modules/core/schemas.c
 *
 * unit_schema.c: what the schema of an event may say, which change of it
 * breaks those who read the event, and schemas of a folder with their parts.
 */

#define _GNU_SOURCE

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../nginx-modules/core/schema.h"

static int        tests, failures;
static vg_pool_t *pool;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


#define OF(members, required)                                                  \
    "{\"description\":\"d\",\"type\":\"object\",\"properties\":{"              \
    "\"operatorId\":{\"type\":\"string\"}" members "},\"required\":["          \
    "\"operatorId\"" required "]}"
#define TEXT      "{\"type\":\"string\"}"
#define MAY       "{\"type\":[\"string\",\"null\"]}"
#define WITH(def) OF(",\"a\":" def, "")

/* why NULL: it fits */
static const struct {
    const char *name, *schema, *member, *why;
} fitting[] = {
    { "an object with an owner", OF("", ""), "", NULL },
    { "what is nobody's says so",
      "{\"description\":\"d\",\"type\":\"object\",\"x-audience\":\"house\"}",
      "", NULL },
    { "what is nobody's and does not say so",
      "{\"description\":\"d\",\"type\":\"object\"}", "", "neither" },
    { "another audience",
      "{\"description\":\"d\",\"type\":\"object\",\"x-audience\":\"all\"}", "",
      "x-audience" },
    { "no description", "{\"type\":\"object\",\"x-audience\":\"house\"}", "",
      "description" },
    { "no object", "{\"description\":\"d\",\"type\":\"array\"}", "",
      "no object" },
    { "nothing of a schema", "[]", "", "no schema" },
    { "a member of any kind",
      OF(",\"a\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":"
         "\"object\",\"properties\":{\"b\":" MAY "}}}",
         ",\"a\""),
      "", NULL },
    { "a member without a type", WITH("{}"), "a", "no type" },
    { "an unknown type", WITH("{\"type\":\"text\"}"), "a", "unknown" },
    { "an unknown type among others", WITH("{\"type\":[\"string\",\"x\"]}"),
      "a", "unknown" },
    { "a number for a type", WITH("{\"type\":1}"), "a", "none" },
    { "a list of no types", WITH("{\"type\":[]}"), "a", "empty" },
    { "words", WITH("{\"type\":\"string\",\"enum\":[\"A\",\"B\"]}"), "", NULL },
    { "words that are numbers", WITH("{\"type\":\"integer\",\"enum\":[1]}"),
      "a", "strings" },
    { "a bound", WITH("{\"type\":\"integer\",\"minimum\":0}"), "", NULL },
    { "a bound that is text", WITH("{\"type\":\"integer\",\"minimum\":\"0\"}"),
      "a", "bound" },
    { "what cannot be compared", WITH("{\"anyOf\":[" TEXT "]}"), "a",
      "keyword" },
    { "a part that was not taken in", "{\"$ref\":\"x.json\"}", "", "keyword" },
    { "properties that are none", "{\"type\":\"object\",\"properties\":[]}", "",
      "properties" },
    { "a required that is none", "{\"type\":\"object\",\"required\":\"a\"}", "",
      "required" },
    { "what is required is described", OF("", ",\"a\""), "", "describe" },
    { "what is required is never null", OF(",\"a\":" MAY, ",\"a\""), "a",
      "null" },
    { "deep down",
      WITH("{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":"
           "{\"b\":{\"type\":\"nil\"}}}}"),
      "a[].b", "unknown" },
};

/* why NULL: nobody is broken; back: nor by going back */
static const struct {
    const char *name, *was, *is, *member, *why;
    bool        back;
} following[] = {
    { "nothing changed", WITH(TEXT), WITH(TEXT), "", NULL, true },
    { "an optional member more", OF("", ""), WITH(TEXT), "", NULL, true },
    { "one that may be null", OF("", ""), WITH(MAY), "", NULL, true },
    { "a required member more", OF("", ""), OF(",\"a\":" TEXT, ",\"a\""), "a",
      "new", false },
    { "an optional member less", WITH(TEXT), OF("", ""), "a", "gone", true },
    { "a required member less", OF(",\"a\":" TEXT, ",\"a\""), OF("", ""), "a",
      "gone", false },
    { "required no more", OF(",\"a\":" TEXT, ",\"a\""), WITH(TEXT), "a",
      "is optional", false },
    { "required from now on", WITH(TEXT), OF(",\"a\":" TEXT, ",\"a\""), "a",
      "is required", false },
    { "another type", WITH(TEXT), WITH("{\"type\":\"integer\"}"), "a", "type",
      false },
    { "a type more", WITH(TEXT), WITH(MAY), "a", "type", false },
    { "a type less", WITH(MAY), WITH(TEXT), "a", "type", false },
    { "types in another order", WITH(MAY),
      WITH("{\"type\":[\"null\",\"string\"]}"), "", NULL, true },
    { "one type as a list", WITH(TEXT), WITH("{\"type\":[\"string\"]}"), "",
      NULL, true },
    { "a word more", WITH("{\"type\":\"string\",\"enum\":[\"A\"]}"),
      WITH("{\"type\":\"string\",\"enum\":[\"A\",\"B\"]}"), "a", "words",
      false },
    { "a word less", WITH("{\"type\":\"string\",\"enum\":[\"A\",\"B\"]}"),
      WITH("{\"type\":\"string\",\"enum\":[\"A\"]}"), "a", "words", false },
    { "words where there were none", WITH(TEXT),
      WITH("{\"type\":\"string\",\"enum\":[\"A\"]}"), "a", "words", false },
    { "words in another order",
      WITH("{\"type\":\"string\",\"enum\":[\"A\",\"B\"]}"),
      WITH("{\"type\":\"string\",\"enum\":[\"B\",\"A\"]}"), "", NULL, true },
    { "another format", WITH("{\"type\":\"string\",\"format\":\"uuid\"}"),
      WITH("{\"type\":\"string\",\"format\":\"date-time\"}"), "a", "format",
      false },
    { "a format less", WITH("{\"type\":\"string\",\"format\":\"uuid\"}"),
      WITH(TEXT), "a", "format", false },
    { "another bound", WITH("{\"type\":\"integer\",\"minimum\":0}"),
      WITH("{\"type\":\"integer\",\"minimum\":1}"), "a", "bound", false },
    { "other words for people",
      WITH("{\"type\":\"string\",\"description\":\"x\"}"),
      WITH("{\"type\":\"string\",\"description\":\"y\"}"), "", NULL, true },
    { "items of another type", WITH("{\"type\":\"array\",\"items\":" TEXT "}"),
      WITH("{\"type\":\"array\",\"items\":" MAY "}"), "a[]", "type", false },
    { "items at all", WITH("{\"type\":\"array\"}"),
      WITH("{\"type\":\"array\",\"items\":" TEXT "}"), "a", "items", false },
    { "deep down",
      WITH("{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":"
           "{\"b\":" TEXT "}}}"),
      WITH("{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":"
           "{}}}"),
      "a[].b", "gone", true },
    { "a required one deep down",
      WITH("{\"type\":\"object\",\"properties\":{}}"),
      WITH("{\"type\":\"object\",\"properties\":{\"b\":" TEXT
           "},\"required\":[\"b\"]}"),
      "a.b", "new", false },
    { "an object that was not described gains members",
      WITH("{\"type\":\"object\"}"),
      WITH("{\"type\":\"object\",\"properties\":{\"b\":" TEXT "}}"), "", NULL,
      true },
};


static const vg_json_t *
parse(const char *text)
{
    const vg_json_t *node = vg_json_parse(pool, vg_str(text), NULL);

    if (node == NULL) {
        printf("Bail out! not JSON: %s\n", text);
        exit(1);
    }
    return node;
}


static bool
told(const vg_schema_fault_t *fault, const char *member, const char *why)
{
    bool good =
        strcmp(fault->member, member) == 0 && strstr(fault->why, why) != NULL;

    if (!good) {
        printf("# %s: %s\n", fault->member, fault->why);
    }
    return good;
}


static void
test_rules(void)
{
    size_t            i;
    bool              good, back;
    vg_schema_fault_t fault;

    for (i = 0; i < sizeof(fitting) / sizeof(fitting[0]); i++) {
        good = vg_schema_fits(parse(fitting[i].schema), &fault);
        ok(fitting[i].why == NULL
               ? good
               : !good && told(&fault, fitting[i].member, fitting[i].why),
           fitting[i].name);
    }
    for (i = 0; i < sizeof(following) / sizeof(following[0]); i++) {
        const vg_json_t *is = parse(following[i].is);
        const vg_json_t *was = parse(following[i].was);

        back = vg_schema_follows(is, was, true, &fault);
        good = vg_schema_follows(is, was, false, &fault);
        ok(back == following[i].back
               && (following[i].why == NULL
                       ? good
                       : !good
                             && told(&fault, following[i].member,
                                     following[i].why)),
           following[i].name);
    }
}


/* ---------------------------------------------------------------- folders */

static char root[] = "/tmp/unit_schema.XXXXXX";


static int
drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void) st;
    (void) kind;
    (void) where;
    return remove(path);
}


static void
put(const char *name, const char *text)
{
    char  path[256];
    FILE *file;

    (void) snprintf(path, sizeof(path), "%s/%s", root, name);
    file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        printf("Bail out! %s cannot be written\n", path);
        exit(1);
    }
}


static void
gone(const char *name)
{
    char path[256];

    (void) snprintf(path, sizeof(path), "%s/%s", root, name);
    (void) unlink(path);
}


static bool
wrong(const char *name, const char *text, const char *says)
{
    bool                good;
    static vg_schemas_t read;

    put(name, text);
    good =
        !vg_schemas_read(&read, pool, root) && strstr(read.wrong, says) != NULL;
    if (!good) {
        printf("# %s\n", read.wrong);
    }
    gone(name);
    return good;
}


static void
test_folder(void)
{
    static vg_schemas_t was, is, none;
    const vg_schema_t  *one;

    ok(vg_schemas_read(&none, pool, "/nowhere/at/all") && none.count == 0,
       "a folder that is not there has none");
    put("part.json", WITH(TEXT));
    put("b.c.v1.json", "{\"title\":\"b.c.v1\",\"description\":\"own\","
                       "\"$ref\":\"part.json\"}");
    put("a.v2.json", "{\"title\":\"a.v2\",\"x-audience\":\"house\","
                     "\"description\":\"d\",\"type\":\"object\"}");
    put(".a.v3.json", "a draft");
    put("a.vx.json", "no version");
    ok(vg_schemas_read(&was, pool, root) && was.count == 2,
       "types, neither parts nor drafts");
    ok(vg_str_eq(was.all[0].type, "a.v2")
           && vg_str_eq(was.all[1].type, "b.c.v1"),
       "in the order of their names");
    one = vg_schemas_find(&was, VG_STR("b.c.v1"));
    ok(one != NULL && vg_str_eq(vg_json_text(one->root, "description"), "own")
           && vg_json_get(vg_json_get(one->root, "properties"), "a") != NULL
           && vg_json_get(one->root, "$ref") == NULL,
       "a part is taken in, and gives way to what the file says");
    ok(vg_schemas_find(&was, VG_STR("b.c")) == NULL, "no type, no schema");

    ok(wrong("z.v1.json", "{", "z.v1"), "no JSON");
    ok(wrong("z.v1.json", "{\"$ref\":\"gone.json\"}", "z.v1"),
       "a part that is not there");
    ok(wrong("z.v1.json", "{\"$ref\":\"../part.json\"}", "z.v1"),
       "a part from elsewhere");
    ok(wrong("z.v1.json", WITH(TEXT), "z.v1 has another title"),
       "another's title");
    ok(wrong("z.v1.json",
             "{\"title\":\"z.v1\",\"type\":\"object\",\"oneOf\":1}",
             "z.v1 has a keyword"),
       "what does not fit");

    put("part.json", OF("", ""));
    ok(vg_schemas_read(&is, pool, root) && !vg_schemas_follow(&is, &was, false)
           && strcmp(is.wrong, "b.c.v1 member a is gone") == 0,
       "who breaks a part breaks its types");
    ok(vg_schemas_follow(&is, &was, true), "going back is something else");
    gone("b.c.v1.json");
    ok(vg_schemas_read(&is, pool, root) && !vg_schemas_follow(&is, &was, false)
           && strstr(is.wrong, "b.c.v1 was published") != NULL,
       "a type does not go");
    ok(vg_schemas_follow(&was, &is, false), "one more may come");
}


int
main(void)
{
    pool = vg_arena_create();
    if (pool == NULL || mkdtemp(root) == NULL) {
        printf("Bail out! no memory or no folder\n");
        return 1;
    }
    test_rules();
    test_folder();
    (void) nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}
