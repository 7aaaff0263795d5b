/*
 * meter.c: what a simulated charge point measures, and by which clock.
 *
 * Energy is in whole Wh, what is less is kept in watt-seconds; other values
 * are tenths or thousandths in integers.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "simulate.h"

/* what a reading stands for when readings follow each other at once */
#define READING_SECONDS 60

#define VOLTS      INT64_C(230)
#define BATTERY_WH 60000


/* ------------------------------------------------------------------- clock */

/* A clock that is behind (--history) passes these seconds at once, or `speed`
 * times as fast as ours, until it is with us: it never goes ahead, for no
 * charger delivers what has not happened yet. */
int64_t
meter_after(station_t *st, int64_t since, int64_t seconds)
{
    int64_t us = seconds * SECOND, speed = st->sim->habits.speed, gain, wait;

    if (st->lag == 0) {
        return since + us;
    }
    since = st->sim->now;
    wait = speed > 0 ? us / speed : 0;
    gain = us - wait;
    if (gain > st->lag) {
        wait += gain - st->lag;
        gain = st->lag;
    }
    st->lag -= gain;
    return since + wait;
}


vg_str_t
meter_timestamp(station_t *st, vg_pool_t *pool)
{
    struct timespec now;
    struct tm       tm;
    time_t          seconds;
    char            text[sizeof("2026-11-20T10:30:00")] = "";
    int64_t         ms;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    ms = (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000 - st->lag / 1000;
    st->wall_ms = ms > st->wall_ms ? ms : st->wall_ms + 1;
    seconds = (time_t) (st->wall_ms / 1000);
    if (gmtime_r(&seconds, &tm) != NULL) {
        (void) strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    return vg_printf(pool, "%s.%03dZ", text, (int) (st->wall_ms % 1000));
}


/* ------------------------------------------------------------------ values */

void
meter_draw(station_t *st)
{
    const habits_t *habits = &st->sim->habits;
    int64_t         power = habits->power_w, wh;
    int64_t         seconds = st->interval > 0 ? st->interval : READING_SECONDS;

    if (power == 0) { /* what most cars take of what is there */
        power = st->power_max * 7 / 10;
    }
    power = dice_normal(&st->dice, power, power * habits->spread / 100);
    if (st->power_max > 0 && power > st->power_max) {
        power = st->power_max;
    }
    if (st->limit_w >= 0 && power > st->limit_w) {
        power = st->limit_w;
    }
    st->power_w = power > 0 ? power : 0;
    st->register_ws += st->power_w * seconds;
    wh = st->register_ws / 3600;
    st->register_wh += wh;
    st->register_ws %= 3600;
    st->soc_wh = st->soc_wh + wh < BATTERY_WH ? st->soc_wh + wh : BATTERY_WH;
}


static void
put_sample(vg_out_t *out, int64_t value, int64_t scale, const char *measurand,
           const char *unit)
{
    vg_str_t text = vg_printf(out->pool, "%" PRId64, value / scale);

    if (scale > 1) {
        text = vg_printf(out->pool, "%.*s.%" PRId64, (int) text.len, text.data,
                         (value < 0 ? -value : value) % scale);
    }
    vg_out_open(out, '{');
    vg_out_member(out, "value", text);
    vg_out_member(out, "context", VG_STR("Sample.Periodic"));
    vg_out_member(out, "measurand", vg_str(measurand));
    vg_out_member(out, "unit", vg_str(unit));
    vg_out_close(out, '}');
}


/* Those that were asked for by --measurands. Each has its lot drawn even if
 * it is not said, so that the others do not change with it. */
static void
put_samples(station_t *st, vg_out_t *out)
{
    unsigned measures = st->sim->habits.measures;
    int64_t  volts = dice_normal(&st->dice, VOLTS * 10, 20);
    int64_t  celsius = dice_normal(&st->dice, 280, 30);

    put_sample(out, st->register_wh, 1, "Energy.Active.Import.Register", "Wh");
    if (measures & MEASURE_POWER) {
        put_sample(out, st->power_w, 1, "Power.Active.Import", "W");
    }
    if (measures & MEASURE_VOLTAGE) {
        put_sample(out, volts, 10, "Voltage", "V");
    }
    if (measures & MEASURE_CURRENT) { /* of three phases, together */
        put_sample(out, st->power_w * 10 * 10 / volts, 10, "Current.Import",
                   "A");
    }
    if (measures & MEASURE_TEMPERATURE) {
        put_sample(out, celsius, 10, "Temperature", "Celsius");
    }
    if (measures & MEASURE_SOC) {
        put_sample(out, st->soc_wh * 100 / BATTERY_WH, 1, "SoC", "Percent");
    }
}


void
meter_write(station_t *st, vg_out_t *out)
{
    if (st->transaction != 0) {
        vg_out_key(out, "transactionId");
        vg_out_int(out, st->transaction);
    }
    vg_out_key(out, "meterValue");
    vg_out_open(out, '[');
    vg_out_open(out, '{');
    vg_out_member(out, "timestamp", meter_timestamp(st, out->pool));
    vg_out_key(out, "sampledValue");
    vg_out_open(out, '[');
    put_samples(st, out);
    vg_out_close(out, ']');
    vg_out_close(out, '}');
    vg_out_close(out, ']');
}
