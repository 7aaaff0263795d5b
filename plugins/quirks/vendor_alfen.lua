return {
    { name = "alfen_transaction", vendor = "Alfen*",
      about = "once its database of transactions is full, each transaction is called 9223372036854775807",
      source = "lorenzodonini/ocpp-go#188 (Eve Single Pro, firmware 5.8), steve-community/steve#740 (Eve S-Line); the maker says that it is mended in 6.0",
      cures = { { "transaction", unknown = { "9223372036854775807" } } } },
}
