/*
 * guest.c: a plugin of a test: it asks whatever it is told to.
 */

#include "vg.h"

/* clang-format off */

static const vg_field_t fields[] = {
    { VG_BODY, "route", VG_TEXT, 0, 1, 50, .about = "whom to ask" },
    { VG_BODY, "n", VG_INT, VG_REQUIRED, .about = "for what" },
    { VG_BODY, "otherwise", VG_ANY, .about = "what will do instead" },
    VG_FIELDS_END
};

/* clang-format on */

static vg_rc_t
ask(vg_call_t *call)
{
    vg_str_t         args = { NULL, 0 };
    const vg_json_t *route = vg_get(call, "route"), *n = vg_get(call, "n");
    const vg_json_t *otherwise = vg_get(call, "otherwise");

    if (route == NULL) {
        return VG_OK; /* nobody is asked */
    }

    args =
        vg_printf(vg_pool(call), "{\"n\":%.*s}", (int) n->raw.len, n->raw.data);

    return otherwise == NULL
               ? vg_inquire(call,
                            vg_printf(vg_pool(call), "%.*s",
                                      (int) route->text.len, route->text.data)
                                .data,
                            args)
               : vg_inquire_or(call,
                               vg_printf(vg_pool(call), "%.*s",
                                         (int) route->text.len,
                                         route->text.data)
                                   .data,
                               args, otherwise->raw);
}


/* ------------------------------------------------- several steps, one by one */

/* clang-format off */

static const vg_field_t asked_fields[] = {
    { VG_BODY, "route", VG_TEXT, 0, 1, 50,
      .about = "whom to ask; of the world's, with a slash" },
    { VG_BODY, "n", VG_INT, .about = "for what" },
    { VG_BODY, "otherwise", VG_ANY, .about = "what will do instead" },
    { VG_BODY, "fault", VG_ENUM, .values = "command|told|field|field_told",
      .about = "what goes wrong here" },
    VG_FIELDS_END
};

static const vg_field_t asked_item = {
    VG_BODY, "asked", VG_OBJECT, .fields = asked_fields,
};

static const vg_field_t tour_fields[] = {
    { VG_BODY, "n", VG_INT, VG_REQUIRED, .about = "for what" },
    { VG_BODY, "asks", VG_ARRAY, VG_REQUIRED, 3, 3, .item = &asked_item,
      .about = "of each step" },
    { VG_BOUND, "seen", VG_ANY, .about = "what told() of the second saw" },
    { VG_BOUND, "try", VG_INT, .about = "of the job" },
    VG_FIELDS_END
};

static const vg_field_t keep_fields[] = {
    { VG_BODY, "n", VG_INT, VG_REQUIRED, .about = "for what" },
    VG_FIELDS_END
};

/* clang-format on */

static const vg_json_t *
asked(vg_call_t *call, int step)
{
    const vg_json_t *one = vg_get(call, "asks")->first;

    while (step-- > 0) {
        one = one->next;
    }
    return one;
}


static vg_rc_t
fault(vg_call_t *call, int step, const char *plain, const char *field)
{
    vg_str_t fault = vg_json_text(asked(call, step), "fault");

    if (vg_str_eq(fault, plain)) {
        return VG_ERROR; /* without a word */
    }
    if (vg_str_eq(fault, field)) {
        return vg_refuse_field(call, "asks", "are too many");
    }
    return VG_OK;
}


static vg_rc_t
tour_http(vg_call_t *call, const char *path)
{
    return vg_http(call, &(vg_request_t){ .target = "world",
                                          .path = vg_str(path),
                                          .method = VG_POST,
                                          .body = VG_STR("{}") });
}


static vg_rc_t
tour(vg_call_t *call, int step)
{
    const char      *route;
    vg_str_t         args, name = vg_json_text(asked(call, step), "route");
    const vg_json_t *n = vg_json_get(asked(call, step), "n");
    const vg_json_t *otherwise = vg_json_get(asked(call, step), "otherwise");

    if (vg_bind(call, "try", vg_printf(vg_pool(call), "%u", vg_job_try(call)))
            != VG_OK
        || fault(call, step, "command", "field") != VG_OK)
    {
        return VG_ERROR;
    }
    if (name.data == NULL) {
        return VG_OK; /* nobody is asked */
    }
    route = vg_printf(vg_pool(call), "%.*s", (int) name.len, name.data).data;
    if (route[0] == '/') {
        return tour_http(call, route);
    }
    args = vg_printf(vg_pool(call), "{\"n\":%.*s}", n ? (int) n->raw.len : 1,
                     n ? n->raw.data : "0");
    return otherwise ? vg_inquire_or(call, route, args, otherwise->raw)
                     : vg_inquire(call, route, args);
}


static vg_rc_t
tour_first(vg_call_t *call)
{
    return tour(call, 0);
}


static vg_rc_t
tour_second(vg_call_t *call)
{
    return tour(call, 1);
}


static vg_rc_t
tour_third(vg_call_t *call)
{
    return tour(call, 2);
}


/* thirteen is what it does not like to hear */
static vg_rc_t
tour_told(vg_call_t *call)
{
    const vg_json_t *all = vg_json_parse(vg_pool(call), vg_outcome(call), NULL);
    const vg_json_t *n = vg_json_get(vg_json_get(all, "second"), "n");

    if (n != NULL && vg_str_eq(n->raw, "13")) {
        return vg_refuse(call, "well_dry");
    }
    if (fault(call, 1, "told", "field_told") != VG_OK) {
        return VG_ERROR;
    }
    return vg_bind(call, "seen", vg_outcome(call));
}


/* clang-format off */

static const vg_step_t tour_steps[] = {
    { "first", tour_first },
    { "second", tour_second, .told = tour_told },
    { "third", tour_third },
    { NULL }
};

static const vg_step_t tour_job[] = {
    { "first", tour_first, .undo = "miss" },
    { "second", tour_second, .told = tour_told },
    { "third", tour_third },
    { NULL }
};

static const vg_step_t steps[] = {
    { "ask", ask, NULL, NULL },
    { NULL, NULL, NULL, NULL }
};

static const vg_step_t later[] = {
    { "ask", ask, "note", "miss" },
    { NULL, NULL, NULL, NULL }
};

static const vg_step_t job[] = {
    { "ask", ask, NULL, "miss" },
    { NULL, NULL, NULL, NULL }
};

static const vg_route_t routes[] = {
    { VG_POST, "/guest", NULL, fields, .statement = "note",
      .flags = VG_AWAIT | VG_EVERYBODYS, .steps = steps,
      .about = "Ask, then answer" },
    { VG_POST, "/guest/after", NULL, fields, .statement = "accept",
      .flags = VG_EVERYBODYS, .steps = later, .about = "Answer, then ask" },
    { VG_POST, "/guest/job", NULL, fields, .statement = "leave",
      .about = "Ask in a job" },
    { VG_JOB, "guest.visit", NULL, fields, .statement = "note", .steps = job,
      .about = "Asks" },
    { VG_POST, "/guest/tour", NULL, tour_fields, .statement = "tell",
      .flags = VG_AWAIT | VG_EVERYBODYS, .steps = tour_steps,
      .about = "Ask three, then answer" },
    { VG_POST, "/guest/tour-job", NULL, tour_fields, .statement = "leave_tour",
      .about = "Ask three in a job" },
    { VG_JOB, "guest.tour", NULL, tour_fields, .statement = "tell",
      .steps = tour_job, .about = "Asks three" },
    { VG_INTERNAL, "guest.keep", NULL, keep_fields, .statement = "keep",
      .about = "Keep a number" },
    VG_ROUTES_END
};

static const vg_error_t errors[] = {
    { "well_dry", 409, "The guest is thirsty" },
    { NULL, 0, NULL }
};

/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "guest",
    .version = "1",
    .about = "a test",
    .routes = routes,
    .errors = errors,
};
