-- erasure.lua: what is asked about a customer: all that is held, and to forget.

return {
    routes = {
        { "INTERNAL", "notifications.customer_export", statement = "customer_export", everybodys = true, about = "What is held here about a customer",
          fields = {
            { "body", "customerId", "text", required = true, about = "about whom" },
            { "body", "after", "text", nullable = true, about = "where it begins" },
            { "body", "most", "int", required = true, min = 1, max = 1000, about = "rows at most" } } },
        { "EVENT", "customer.erasure_requested.v1", statement = "customer_erase", about = "Forget a customer", fields = {
            { "body", "erasureId", "uuid", required = true, about = "the erasure" },
            { "body", "customerId", "text", required = true, about = "who is erased" },
            { "body", "round", "int", required = true, about = "which is answered" } } },
    },
    keeps = {
        { table = "notification", keep = "180d", statement = "notification_retire", about = "what people were told, with its tries" },
        { table = "webhook_delivery", keep = "30d", statement = "webhook_delivery_retire", about = "what others' servers were told, with its tries" },
        { table = "incident", keep = "2y", statement = "incident_retire", about = "incidents, since they were resolved" },
        { table = "span", keep = "30d", statement = "span_retire", about = "how often something came about within a window" },
    },
}
