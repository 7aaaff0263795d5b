return {
    { name = "openevse_kwh", vendor = "OpenEVSE", model = "Advanced Series", firmware = "*4.2.2*",
      about = "the register is in kWh and says Wh, in samples and at a transaction's ends",
      source = "OpenEVSE/openevse_esp32_firmware#703 (firmware 4.2.2); vendor and model as its source has them",
      cures = { { "unit", measurand = "Energy.Active.Import.Register", from = "Wh", to = "kWh" },
          { "scale", members = { "meterStart", "meterStop" }, power = 3 } } },
}
