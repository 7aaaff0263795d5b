return {
    { name = "vestel_empty", vendor = "VESTEL", model = "EVC04*",
      about = "while nobody charges, MeterValues have no samples",
      source = "lbbrhzn/ocpp#466 (EVC04)",
      cures = { { "empty" } } },
}
