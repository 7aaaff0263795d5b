--- template: text with places, for what is written to people.
--
--   local template = require "voltgate.template"
--   template.render("Hello {{name}}, {{cost|money}} {{currency}}", values)
--   template.render("<p>{{name}}</p>", values, template.html)   -- escaped
--   template.wrong("{{name")                                    -- why it is none
--   template.cut(text, 160)                                     -- that many bytes at most
--
--   {{name}}               the value; nothing, if there is none
--   {{name|filter}}        money: at least two digits behind the point, never
--                          fewer or others than there are; local: the member
--                          nameLocal, a time by the receiver's clock; upper
--   {{#name}} … {{/name}}  only if there is a value; {{^name}} only if not
--
-- Values are strings or numbers: money as the digits that it came with. What
-- comes from outside is escaped for where it goes: nothing of it is a tag in
-- HTML, a second line in a subject, or a place. A template has at most 64 KiB,
-- 500 places and sections within 8 others; what is made of it 256 KiB.

local template = {}

local LONG, MADE, PLACES, DEEP = 65536, 262144, 500, 8
local NAME = "^[%a_][%w_]*$"

--- As it is.
---@param text string
---@return string
function template.text(text) return text end

--- For an element's text, or an attribute between double quotes.
---@param text string
---@return string
function template.html(text)
    return (text:gsub("[&<>\"']", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }))
end

--- One line.
---@param text string
---@return string
function template.line(text)
    return (text:gsub("%c+", " "))
end

--- At most so many bytes of it, cut between two characters.
---@param text string
---@param bytes integer
function template.cut(text, bytes)
    if #text <= bytes then return text end
    while bytes > 0 and text:byte(bytes + 1) >= 0x80 and text:byte(bytes + 1) < 0xC0 do bytes = bytes - 1 end
    return text:sub(1, bytes)
end

local filters = {}

function filters.money(text)
    local sign, whole, part = text:match("^(%-?)(%d+)%.?(%d*)$")
    if not whole then return text end
    return sign .. whole .. "." .. part .. ("0"):rep(2 - #part)
end

function filters.upper(text) return text:upper() end

filters["local"] = function(text, name, values) return values[name .. "Local"] or text end

local function digits(value)
    if type(value) == "number" then return value == math.floor(value) and ("%.0f"):format(value) or ("%.15g"):format(value) end
    return type(value) == "string" and value or nil
end

-- { text | {name, filter} | {section, not, parts} … } up to the end of `open`
local function parse(text, at, open, state)
    local parts = {}
    while true do
        local from, to = text:find("{{", at, true)
        if not from then
            if open then return nil, "{{#" .. open .. "}} is not closed" end
            parts[#parts + 1] = text:sub(at)
            return parts, #text + 1
        end
        parts[#parts + 1] = text:sub(at, from - 1)
        local last, after = text:find("}}", to + 1, true)
        if not last then return nil, "a place is not closed" end
        local inner = text:sub(to + 1, last - 1)
        state.places = state.places + 1
        if state.places > PLACES then return nil, "more than " .. PLACES .. " places" end
        local kind = inner:sub(1, 1)
        at = after + 1
        if kind == "/" then
            if inner:sub(2) ~= open then return nil, "{{" .. inner .. "}} closes nothing" end
            return parts, at
        elseif kind == "#" or kind == "^" then
            local name = inner:sub(2)
            if not name:find(NAME) then return nil, "{{" .. inner .. "}} has no name" end
            if state.deep >= DEEP then return nil, "sections within " .. DEEP .. " others" end
            state.deep = state.deep + 1
            local within, next_at = parse(text, at, name, state)
            state.deep = state.deep - 1
            if not within then return nil, next_at end
            parts[#parts + 1] = { section = name, none = kind == "^", parts = within }
            at = next_at
        else
            local name, filter = inner:match("^([^|]*)|?(.*)$")
            if not name:find(NAME) then return nil, "{{" .. inner .. "}} has no name" end
            if filter ~= "" and not filters[filter] then return nil, "there is no filter " .. filter end
            parts[#parts + 1] = { name = name, filter = filters[filter] }
        end
    end
end

local function parsed(text)
    if #text > LONG then return nil, "longer than 64 KiB" end
    return parse(text, 1, nil, { places = 0, deep = 0 })
end

local function fill(parts, values, escape, out)
    for i = 1, #parts do
        local part = parts[i]
        if type(part) == "string" then
            out.size = out.size + #part
            out[#out + 1] = part
        elseif part.section then
            local there = digits(values[part.section]) or values[part.section] == true
            if (not there) == part.none then fill(part.parts, values, escape, out) end
        else
            local value = digits(values[part.name])
            if value then
                value = escape(part.filter and part.filter(value, part.name, values) or value)
                out.size = out.size + #value
                out[#out + 1] = value
            end
        end
        if out.size > MADE then error("a template makes more than 256 KiB", 0) end
    end
end

--- nil, or why the text is no template.
---@param text string
---@return string?
function template.wrong(text)
    local parts, why = parsed(text)
    return not parts and why or nil
end

---@param text string
---@param values table<string, string|number|boolean>
---@param escape? fun(text: string): string
---@return string
function template.render(text, values, escape)
    local parts, why = parsed(text)
    if not parts then error("a template: " .. why, 0) end
    local out = { size = 0 }
    fill(parts, values, escape or template.text, out)
    return table.concat(out)
end

return template
