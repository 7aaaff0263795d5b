-- decimal.lua: numbers of registers, moved by powers of ten on their digits. No
-- sum and no product here: a double has not all decimals, 15 digits it has.

local decimal = {}

--- digits with a point, without sign, exponent and spaces; nil: it is none
function decimal.text(value)
    local text = type(value) == "number" and string.format("%.15g", value) or value
    if type(text) ~= "string" then return nil end
    local whole, part = text:match("^%s*(%d+)%.?(%d*)%s*$")
    if not whole or #whole > 15 or #part > 15 then return nil end
    return part == "" and whole or whole .. "." .. part
end

--- value times 10^power, what is below 1 cut off, as a whole number of at most 13
--- digits; nil: it is none
function decimal.shifted(value, power)
    local text = decimal.text(value)
    if not text then return nil end
    local whole, part = text:match("^(%d+)%.?(%d*)$")
    local moved = whole .. (part .. string.rep("0", power)):sub(1, power)
    moved = moved:gsub("^0+(%d)", "%1")
    if #moved > 13 then return nil end
    return tonumber(moved)
end

return decimal
