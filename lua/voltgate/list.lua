--- list: what one does with rows.
--
--   local list = require "voltgate.list"
--   local heavy = list.filter(rows, function(row) return row.weight > 10 end)
--   local names = list.map(heavy, function(row) return row.name end)
--   local by_id = list.by(rows, "id")        -- the last of each id
--
-- Lists are arrays; what is given is not changed, and what is returned is an
-- array in an answer, also when it is empty. A function that returns nil adds
-- nothing, and neither does an item without the key.

local list = {}

---@generic T, R
---@param items T[]
---@param f fun(item: T, i: integer): R?
---@return R[]
function list.map(items, f)
    local out = json.array {}
    for i = 1, #items do
        out[#out + 1] = f(items[i], i)
    end
    return out
end

---@generic T
---@param items T[]
---@param f fun(item: T): boolean
---@return T[]
function list.filter(items, f)
    return list.map(items, function(item) if f(item) then return item end end)
end

---@generic T
---@param items T[]
---@param key string
---@return table<any, T>
function list.by(items, key)
    local out = {}
    for i = 1, #items do
        local value = items[i][key]
        if value ~= nil then out[value] = items[i] end
    end
    return out
end

return list
