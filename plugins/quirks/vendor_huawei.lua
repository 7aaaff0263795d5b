return {
    { name = "huawei_one_moment", vendor = "", model = "ACChargePoint",
      about = "meterValue is one object, not a list; the vendor is an empty text",
      source = "lbbrhzn/ocpp#1144; vendor and model as in evcc-io/evcc#32170 (SCharger-22KT-S0, firmware V100R023C10SPC220)",
      cures = { { "array", member = "meterValue" } } },
}
