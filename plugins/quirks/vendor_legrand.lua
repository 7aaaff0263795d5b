return {
    { name = "legrand_error", vendor = "Legrand*",
      about = "the error code is Error, which OCPP does not have",
      source = "lbbrhzn/ocpp#1248 (GreenUp)",
      cures = { { "words", action = "StatusNotification", member = "errorCode", words = { Error = "OtherError" } } } },
}
