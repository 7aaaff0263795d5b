-- text.lua: templates, as their owners write them.

local template = require "voltgate.template"

local shape = {
    id = { "path", "id", "uuid", required = true, about = "of the template" },
    subject = { "body", "subject", "text", required = true, min = 1, max = 500, about = "also a push's title" },
    text = { "body", "text", "text", required = true, min = 1, max = 65536, about = "of a mail, and in the app" },
    html = { "body", "html", "text", nullable = true, max = 65536, about = "of a mail; values are escaped" },
    short = { "body", "short", "text", nullable = true, max = 500, about = "of SMS and push; else the subject" },
}

local function check(call)
    for _, name in ipairs { "subject", "text", "html", "short" } do
        local wrong = call.values[name] and template.wrong(call.values[name])
        if wrong then call:refuse_field(name, wrong) end
    end
    local locale = call.values.locale
    if locale and not locale:find("^%a%a%a?$") and not locale:find("^%a%a%a?%-[%w%-]+$") then call:refuse_field("locale", "must be a BCP 47 tag") end
end

local READ, WRITE = "alerts:read", "alerts:write"

return {
    routes = {
        { "POST", "/notifications/templates", scope = WRITE, check = check, statement = "template_create", about = "Make a template", fields = {
            { "body", "name", "text", required = true, min = 1, max = 100, about = "by which actions name it" },
            { "body", "locale", "text", required = true, min = 2, max = 35, about = "BCP 47" },
            { "body", "companyId", "text", max = 64, about = "whose; an admin's without: the house's" },
            shape.subject, shape.text, shape.html, shape.short } },
        { "GET", "/notifications/templates", scope = READ, list = true, statement = "template_list", about = "List the templates", fields = {
            { "query", "name", "text", about = "of this name" } } },
        { "GET", "/notifications/templates/{id}", scope = READ, statement = "template_get", about = "A template", fields = { shape.id } },
        { "PATCH", "/notifications/templates/{id}", scope = WRITE, check = check, statement = "template_change", about = "Change a template", fields = {
            shape.id, shape.subject, shape.text, shape.html, shape.short } },
        { "DELETE", "/notifications/templates/{id}", scope = WRITE, statement = "template_delete", about = "Take away a template", fields = { shape.id } },
    },
}
