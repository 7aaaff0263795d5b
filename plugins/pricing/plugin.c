/*
 * plugin.c: pricing's manifest. Owns tariffs, their versions and what a
 * session costs by them; not who pays.
 */

#include "vg.h"
#include "pricing.h"

static const vg_route_t routes[] = {
    { VG_POST, "/pricing", "pricing:write", tariff_set_fields, NULL,
      tariff_set_check, NULL, "tariff_set", NULL, 0, NULL,
      "sets a new version of a station's, connector's or operator's tariff" },
    { VG_GET, "/pricing/{stationId}", "pricing:read", station_prices_fields,
      NULL, NULL, NULL, "station_prices", station_prices_render, VG_EVERYBODYS,
      NULL, "the tariffs in force now, per connector, with the prices" },
    { VG_GET, "/charging/rates", "pricing:read", rate_list_fields, NULL, NULL,
      NULL, "rate_list", rate_list_render, VG_LIST | VG_EVERYBODYS, NULL,
      "the present rates of all stations" },
    { VG_POST, "/pricing/quote", "pricing:read", quote_fields, "quote_tariff",
      quote_check, NULL, NULL, NULL, VG_EVERYBODYS, NULL,
      "what a session costs: OCPI CDR costs, and the lines behind them" },
    { VG_INTERNAL, "pricing.rate", NULL, rate_fields, NULL, rate_check, NULL,
      NULL, NULL, 0, NULL, "the same by a given tariff, in process" },
    { VG_INTERNAL, "pricing.surge", NULL, surge_fields, NULL, NULL, NULL,
      "surge_set", NULL, 0, NULL,
      "a station's prices times a number, until then" },
    { VG_EVENT, "station.created.v1", NULL, station_told_fields, NULL, NULL,
      NULL, "station_set", NULL, 0, NULL, "keeps our copy of stations" },
    { VG_EVENT, "station.updated.v1", NULL, station_told_fields, NULL, NULL,
      NULL, "station_set", NULL, 0, NULL, "keeps our copy of stations" },
    { VG_EVENT, "station.removed.v1", NULL, station_gone_fields, NULL, NULL,
      NULL, "station_remove", NULL, 0, NULL, "keeps our copy of stations" },
    VG_ROUTES_END,
};

static const vg_error_t errors[] = {
    { "not_yours", 403, "Belongs to another operator" },
    { "target_unknown", 404, "No such station or connector" },
    { "tariff_unknown", 404, "No tariff is in force there then" },
    { NULL, 0, NULL },
};

static const char *const publishes[] = { "pricing.updated.v1", NULL };

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "pricing",
    .version = "1.0.0",
    .about = "Tariffs by OCPI 2.2.1 and what sessions cost by them, exactly",
    .routes = routes,
    .errors = errors,
    .settings = NULL,
    .publishes = publishes,
};
