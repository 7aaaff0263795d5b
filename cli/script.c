/*
 * script.c: charge points that do what a file says, line by line.
 *
 * One verb a line, with what it needs; the table below is all of them. Each
 * line that says something waits for its answer.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "simulate.h"

typedef enum { TAKES_NOTHING, TAKES_NUMBER, TAKES_WORD, MAY_TAKE } takes_t;

/* clang-format off */

static const struct {
    const char *verb;
    int         does;
    step_t      step;
    takes_t     takes;
} verbs[] = {
    { "boot",      SCRIPT_SAY,    STEP_BOOT,      TAKES_NOTHING },
    { "heartbeat", SCRIPT_SAY,    STEP_HEARTBEAT, TAKES_NOTHING },
    { "status",    SCRIPT_STATUS, STEP_STATUS,    TAKES_WORD },
    { "authorize", SCRIPT_SAY,    STEP_AUTHORIZE, MAY_TAKE },
    { "start",     SCRIPT_SAY,    STEP_START,     MAY_TAKE },
    { "meter",     SCRIPT_METER,  STEP_METER,     TAKES_NUMBER },
    { "stop",      SCRIPT_STOP,   STEP_STOP,      MAY_TAKE },
    { "power",     SCRIPT_POWER,  STEPS,          TAKES_NUMBER },
    { "wait",      SCRIPT_WAIT,   STEPS,          TAKES_NUMBER },
    { "cut",       SCRIPT_CUT,    STEPS,          TAKES_NOTHING },
    { "again",     SCRIPT_AGAIN,  STEPS,          TAKES_NOTHING },
};

/* clang-format on */

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))


/* 0, or 1: that is no line of a script */
static int
line_read(char *text, script_line_t *line)
{
    char  *rest, *end, *verb = strtok_r(text, " \t\r", &rest);
    size_t i = 0;

    line->word = strtok_r(NULL, " \t\r", &rest);
    line->more = strtok_r(NULL, " \t\r", &rest);
    while (i < VERBS && strcmp(verbs[i].verb, verb) != 0) {
        i++;
    }
    if (i == VERBS || strtok_r(NULL, " \t\r", &rest) != NULL
        || (verbs[i].takes == TAKES_NOTHING && line->word != NULL)
        || (verbs[i].takes != TAKES_WORD && line->more != NULL)
        || (verbs[i].takes == TAKES_WORD && line->word == NULL)
        || (line->word != NULL && strlen(line->word) > 20))
    {
        return 1;
    }
    line->verb = verbs[i].does;
    line->step = verbs[i].step;
    if (verbs[i].takes != TAKES_NUMBER) {
        return 0;
    }
    errno = 0;
    line->number = line->word ? strtoll(line->word, &end, 10) : 0;
    return line->word == NULL || errno != 0 || *end != '\0' || line->number < 0
           || line->number > 10000000;
}


script_line_t *
script_read(const char *path, char *text)
{
    script_line_t *lines;
    size_t         count = 0, number = 0;
    char          *next;

    for (const char *c = text; c != NULL; c = strchr(c, '\n')) {
        c++;
        number++;
        if (*c == '\0') {
            break;
        }
    }
    lines = calloc(number + 2, sizeof(script_line_t));
    if (lines == NULL) {
        (void) cli_fail("no memory");
        return NULL;
    }
    number = 0;
    for (char *line = text; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        number++;
        line += strspn(line, " \t\r");
        if (*line == '\0' || *line == '#') {
            continue;
        }
        if (line_read(line, &lines[count++]) != 0) {
            (void) cli_fail("%s: line %zu is none of a script", path, number);
            free(lines);
            return NULL;
        }
    }
    lines[count].verb = SCRIPT_END;
    return lines;
}


static void
script_tag(station_t *st, const script_line_t *line)
{
    (void) snprintf(st->tag, sizeof(st->tag), "%s",
                    line->word != NULL ? line->word : st->own_tag);
}


/* the verbs that say something */
static void
script_say(station_t *st, const script_line_t *line)
{
    switch (line->verb) {
    case SCRIPT_STATUS:
        st->status = line->word;
        st->error = line->more != NULL ? line->more : "NoError";
        break;
    case SCRIPT_STOP:
        st->stop_reason = line->word;
        break;
    case SCRIPT_METER:
        if (st->readings >= line->number) {
            st->readings = 0;
            st->line++;
            station_wait(st, st->sim->now);
            return;
        }
        if (st->readings == 0) {
            st->meter_at = meter_after(st, st->sim->now, st->interval);
        }
        break;
    default:
        if (line->step == STEP_AUTHORIZE || line->step == STEP_START) {
            script_tag(st, line);
        }
    }
    st->step = line->step;
    if (line->verb == SCRIPT_METER && st->sim->now < st->meter_at) {
        station_wait(st, session_waits(st));
        return;
    }
    station_say(st, line->step, false);
}


void
script_next(station_t *st)
{
    const script_line_t *line = &st->sim->habits.script[st->line];

    switch (line->verb) {
    case SCRIPT_WAIT:
        if (st->rest_at == 0) {
            st->rest_at = meter_after(st, st->sim->now, line->number);
        }
        if (st->sim->now < st->rest_at) {
            st->step = STEP_PREPARING; /* what rest_at counts for */
            station_wait(st, session_waits(st));
            return;
        }
        st->rest_at = 0;
        break;
    case SCRIPT_POWER:
        st->limit_w = line->number;
        break;
    case SCRIPT_CUT:
        st->line++;
        station_cut(st, false);
        return;
    case SCRIPT_AGAIN:
        st->line = 0;
        station_wait(st, st->sim->now);
        return;
    case SCRIPT_END:
        st->step = STEP_END;
        station_wait(st, st->sim->now);
        return;
    default:
        script_say(st, line);
        return;
    }
    st->line++;
    station_wait(st, st->sim->now);
}


void
script_answered(station_t *st)
{
    if (st->said == STEP_STOP) {
        session_clear(st);
    }
    if (st->said != STEP_METER) {
        st->line++;
    }
}
