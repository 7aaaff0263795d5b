return {
    { name = "growatt_local_time", vendor = "Growatt", model = "THOR*",
      about = "times are the wall clock's, without an offset",
      source = "evcc-io/evcc#10399 (THOR); vendor and model as in lbbrhzn/ocpp#1709 (THOR_11AS, THOR_11AS-V5.2.4-20230307-NOVO)",
      cures = { { "zone", marked = "" } } },
}
