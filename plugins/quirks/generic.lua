-- generic.lua: what several makers get wrong, and nobody named with all of vendor,
-- model and firmware. None is on by itself: quirks.also says who has it.

return {
    { name = "empty_samples", about = "samples without a value, and moments without samples", cures = { { "empty" } } },
    { name = "one_moment", about = "meterValue is one object, not a list", cures = { { "array", member = "meterValue" } } },
    { name = "energy_in_kwh", about = "energy samples are kWh and say Wh, or nothing",
      cures = { { "unit", measurand = "Energy.Active.Import.Register", from = "Wh", to = "kWh" } } },
    { name = "power_in_kw", about = "power samples are kW and say W, or nothing",
      cures = { { "unit", measurand = "Power.Active.Import", from = "W", to = "kW" } } },
    { name = "meter_in_kwh", about = "meterStart and meterStop are kWh", cures = { { "scale", members = { "meterStart", "meterStop" }, power = 3 } } },
    { name = "meter_in_parts", about = "meterStart and meterStop are texts, or have parts of a Wh",
      cures = { { "scale", members = { "meterStart", "meterStop" }, power = 0 } } },
    { name = "local_time_as_utc", about = "local time that is marked Z", cures = { { "zone", marked = "Z" } } },
    { name = "local_time", about = "local time without an offset", cures = { { "zone", marked = "" } } },
    { name = "register_resets", about = "the register begins at 0 again when the charge point boots, also while somebody charges",
      cures = { { "register" } } },
    { name = "soc_state", about = "the measurand SoC is called SoCState, as Zephyr's OCPP has it (zephyrproject-rtos/zephyr#98870)",
      cures = { { "words", sample = "measurand", words = { SoCState = "SoC" } } } },
    { name = "misspelt_units", about = "units in other words than OCPP's",
      cures = { { "words", sample = "unit", words = { Hz = "Hertz", KW = "kW", KWh = "kWh", KWH = "kWh", ["%"] = "Percent", Celcius = "Celsius" } } } },
}
