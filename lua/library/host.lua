---@meta _

-- host.lua: what a plugin finds in its machine, for editors. No plugin loads
-- it; t/lua/annotations.t holds it against a machine. What Lua 5.1's manual
-- describes has one line; what is the house's, or other than there, has more.


-- ------------------------------------------------------------ what waits
-- In handlers alone. Each gives nil and an error's name when it goes wrong.

--- Statements of sql/queries that the manifest names under `queries`.
db = {}

--- All rows of a read, at most 1,000.
---@param name string the statement's
---@param args? table its fields
---@return table[]? rows
---@return string? err
function db.query(name, args) end

--- What a change answers: a commit of its own, once for each Idempotency-Key or job.
---@param name string the statement's
---@param args? table its fields
---@return any answer
---@return string? err
function db.change(name, args) end

--- Another plugin's internal route, of which it may be a commit. In a hook it waits for
--- nobody: a route without load, statement and handler, and "unprocessable" where there is none, or it refused.
---@param route string "billing.credit"
---@param args? table
---@return any answer
---@return string? err
function ask(route, args) end

---@class vg.request
---@field target? string of the conf, `voltgate_target`; without one `url` names the host
---@field url? string http or https, as users wrote it
---@field path? string with target: what follows its url, from a / or ? on
---@field headers? table<string, string> at most 16
---@field body? string|table a table is sent as JSON
---@field type? string of the body; application/json
---@field idempotency_key? string makes any method safe to repeat
---@field any_status? boolean each answer is one, whatever its status
---@field method? "get"|"post"|"put"|"patch"|"delete" of a step's `http` alone

---@class vg.response
---@field status integer
---@field headers table<string, string> content-type, location, etag, retry-after, cache-control
---@field body any parsed if it is JSON, else text

--- Requests to the world. Errors: unreachable, silent, tls, upstream, rejected,
--- answer_too_large, breaker_open, rate, busy, refused_url, refused_address.
http = {}

--- May be repeated, and is dropped when the client leaves.
---@param request vg.request
---@return vg.response? response
---@return string? err
function http.get(request) end

--- Goes on, whoever hangs up.
---@param request vg.request
---@return vg.response? response
---@return string? err
function http.post(request) end

--- Goes on, whoever hangs up.
---@param request vg.request
---@return vg.response? response
---@return string? err
function http.put(request) end

--- Goes on, whoever hangs up.
---@param request vg.request
---@return vg.response? response
---@return string? err
function http.patch(request) end

--- Goes on, whoever hangs up.
---@param request vg.request
---@return vg.response? response
---@return string? err
function http.delete(request) end

---@class vg.mail
---@field target string of the conf: smtp:// or smtps://
---@field from string
---@field to string one address
---@field subject string
---@field text string
---@field html? string
---@field idempotency_key? string its Message-ID's

--- Mails.
mail = {}

--- One mail to one address.
---@param what vg.mail
---@return { code: integer }? said the server's last reply
---@return string? err
function mail.send(what) end

--- Charge points.
charge_point = {}

--- A CALL to a charge point, and what it answers. Goes on, whoever hangs up.
---@param id string
---@param action string "Reset"
---@param payload? table
---@return table? said the payload of its CALLRESULT
---@return string? err
function charge_point.command(id, action, payload) end

--- Argon2id, as `voltgate_password` says, in a thread; at most 1,024 bytes. What
--- is a string here stays in the machine's memory until it is collected.
password = {}

---@param word string
---@return string? hash "$argon2id$…"
---@return string? err busy: too many wait already
function password.hash(word) end

--- Without a hash nothing is right, after as long a time.
---@param word string
---@param hash? string
---@return boolean? match
---@return string? err
function password.check(word, hash) end

--- The next one's hash, if the present one is right.
---@param word string
---@param hash string
---@param new string
---@return string|false|nil hash false: it is not right
---@return string? err
function password.change(word, hash, new) end

--- Documents as PDF.
document = {}

--- Drawn in a thread, then answered by call:reply_drawn(). Errors: busy,
--- answer_too_large, internal: it is no document.
---@param what table as nginx-modules/paper/paper.h describes it
---@return boolean? drawn
---@return string? err
function document.draw(what) end


-- ------------------------------------------------------ what does not wait

--- Words beside the cache: numbers below 4095, by name, the plugin's own, of this node.
word = {}

--- The later one stays, in whatever order they come.
---@param name string
---@param at number microseconds: since when it is so
---@param is integer
---@return integer? now what it is; nil: there is no room
function word.put(name, at, is) end

---@param name string
---@return integer? is
function word.get(name) end

---@class vg.token
---@field subject string
---@field role string
---@field company? string
---@field scope? string words by one space; nil: all of the role's
---@field session? string what it can be revoked by, beside its subject
---@field lifetime integer seconds

--- Access tokens of this house.
token = {}

--- Valid from now on; nil: there is no key to sign it.
---@param claims vg.token
---@return string? token
function token.mint(claims) end

--- What a token says that is valid now: iss, aud, sub, role, company, scope, sid, jti, iat, exp.
---@param text string
---@return table? claims
function token.read(text) end

--- Events.
event = {}

--- Told in the commit of the row's statement, which hands on its field `events`.
---@param type string among what the manifest publishes
---@param aggregate_id string whose events stay in order
---@param payload table
function event.emit(type, aggregate_id, payload) end

--- JSON.
json = {}

--- The same table, which is an array in an answer also when it is empty.
---@generic T: table
---@param items T
---@return T
function json.array(items) end

--- An item that is null. A member that is null is absent.
---@type lightuserdata
null = nil

--- Digests.
crypto = {}

--- SHA-256 in lower-case hex.
---@param text string
---@return string
function crypto.sha256(text) end

--- HMAC-SHA256 in lower-case hex.
---@param key string
---@param text string
---@return string
function crypto.hmac_sha256(key, text) end

--- Takes as long wherever they differ.
---@param a string
---@param b string
---@return boolean
function crypto.equal(a, b) end

--- So many random bytes, as base64url.
---@param bytes integer
---@return string
function crypto.random(bytes) end

--- Bytes as text.
encode = {}

---@param bytes string
---@return string
function encode.hex(bytes) end

---@param bytes string
---@return string
function encode.base64(bytes) end

--- Without padding.
---@param bytes string
---@return string
function encode.base64url(bytes) end

--- Text as bytes; nil: it is none.
decode = {}

---@param text string
---@return string?
function decode.hex(text) end

---@param text string
---@return string?
function decode.base64(text) end

---@param text string
---@return string?
function decode.base64url(text) end

--- `require "rule"` is rule.lua of the plugin's folder, `require "voltgate.list"`
--- the house's. Each file runs once.
---@param name string of a to z, 0 to 9 and _
---@return any
function require(name) end


-- ------------------------------------------------------- Lua's own: basic

---@type string
_VERSION = "Lua 5.1"

---@generic T
---@param value? T
---@param message? any
---@param ... any
---@return T
---@return any ...
function assert(value, message, ...) end

---@param message any
---@param level? integer
function error(message, level) end

---@param object any
---@return table?
function getmetatable(object) end

---@generic T: table, V
---@param items T
---@return fun(items: V[], i?: integer): integer, V
---@return T
---@return integer
function ipairs(items) end

---@generic K, V
---@param t table<K, V>
---@param key? K
---@return K?
---@return V?
function next(t, key) end

---@generic T: table, K, V
---@param t T
---@return fun(t: table<K, V>, key?: K): K, V
---@return T
function pairs(t) end

--- Catches errors, but no limit of the fence.
---@param f fun(...): ...
---@param ... any
---@return boolean ok
---@return any ...
function pcall(f, ...) end

--- Catches errors, but no limit of the fence.
---@param f fun(...): ...
---@param handler fun(err: any): any
---@param ... any
---@return boolean ok
---@return any ...
function xpcall(f, handler, ...) end

---@param a any
---@param b any
---@return boolean
function rawequal(a, b) end

---@param t table
---@param key any
---@return any
function rawget(t, key) end

---@param t table
---@param key any
---@param value any
---@return table
function rawset(t, key, value) end

---@param n integer|"#"
---@param ... any
---@return any ...
function select(n, ...) end

---@generic T: table
---@param t T
---@param metatable? table
---@return T
function setmetatable(t, metatable) end

---@param value any
---@param base? integer
---@return number?
function tonumber(value, base) end

---@param value any
---@return string
function tostring(value) end

---@param value any
---@return "nil"|"number"|"string"|"boolean"|"table"|"function"|"thread"|"userdata"
function type(value) end

---@generic T
---@param items T[]
---@param i? integer
---@param j? integer
---@return T ...
function unpack(items, i, j) end


-- ---------------------------------------------------------------- coroutine

--- At most 64 within each other.
coroutine = {}

---@param f function
---@return thread
function coroutine.create(f) end

---@return boolean
function coroutine.isyieldable() end

---@param co thread
---@param ... any
---@return boolean ok
---@return any ...
function coroutine.resume(co, ...) end

---@return thread?
---@return boolean is_main
function coroutine.running() end

---@param co thread
---@return "running"|"suspended"|"normal"|"dead"
function coroutine.status(co) end

---@param f function
---@return fun(...): ...
function coroutine.wrap(f) end

---@param ... any
---@return any ...
function coroutine.yield(...) end


-- ------------------------------------------------------------------- string

--- A pattern takes at most 1,000,000 steps, and has at most 128 items.
---@class stringlib
string = {}

---@param s string|number
---@param i? integer
---@param j? integer
---@return integer ...
function string.byte(s, i, j) end

---@param ... integer
---@return string
function string.char(...) end

---@param s string|number
---@param pattern string|number
---@param init? integer
---@param plain? boolean
---@return integer? first
---@return integer? last
---@return any ... captures
function string.find(s, pattern, init, plain) end

---@param format string|number
---@param ... any
---@return string
function string.format(format, ...) end

---@param s string|number
---@param pattern string|number
---@return fun(): string, ...
function string.gmatch(s, pattern) end

---@param s string|number
---@param pattern string|number
---@param with string|number|table|function
---@param n? integer
---@return string
---@return integer count
function string.gsub(s, pattern, with, n) end

---@param s string|number
---@return integer bytes
function string.len(s) end

---@param s string|number
---@return string
function string.lower(s) end

---@param s string|number
---@param pattern string|number
---@param init? integer
---@return any ... captures
function string.match(s, pattern, init) end

--- At most 1 MiB.
---@param s string|number
---@param n integer
---@return string
function string.rep(s, n) end

---@param s string|number
---@return string
function string.reverse(s) end

---@param s string|number
---@param i integer
---@param j? integer
---@return string
function string.sub(s, i, j) end

---@param s string|number
---@return string
function string.upper(s) end


-- -------------------------------------------------------------------- table

--- Lists begin at 1.
table = {}

---@param items table
---@param between? string
---@param i? integer
---@param j? integer
---@return string
function table.concat(items, between, i, j) end

---@deprecated
---@param t table
---@param f fun(key: any, value: any): any
---@return any
function table.foreach(t, f) end

---@deprecated
---@param items table
---@param f fun(i: integer, item: any): any
---@return any
function table.foreachi(items, f) end

---@deprecated
---@param items table
---@return integer
function table.getn(items) end

---@param items table
---@param at any the place, or what goes behind the last
---@param item? any
function table.insert(items, at, item) end

---@param items table
---@return number
function table.maxn(items) end

---@param from table
---@param first integer
---@param last integer
---@param at integer
---@param to? table
---@return table
function table.move(from, first, last, at, to) end

---@param items table
---@param at? integer
---@return any
function table.remove(items, at) end

--- At most 20,000 items; `before` cannot wait.
---@generic T
---@param items T[]
---@param before? fun(a: T, b: T): boolean
function table.sort(items, before) end


-- --------------------------------------------------------------------- math

--- Numbers are binary: money is not added up with them.
math = {}

---@type number
math.huge = 1 / 0

---@type number
math.pi = 3.1415926535897932

---@param x number
---@return number
function math.abs(x) end

---@param x number
---@return number
function math.acos(x) end

---@param x number
---@return number
function math.asin(x) end

---@param x number
---@return number
function math.atan(x) end

---@param y number
---@param x number
---@return number
function math.atan2(y, x) end

---@param x number
---@return integer
function math.ceil(x) end

---@param x number
---@return number
function math.cos(x) end

---@param x number
---@return number
function math.cosh(x) end

---@param x number
---@return number
function math.deg(x) end

---@param x number
---@return number
function math.exp(x) end

---@param x number
---@return integer
function math.floor(x) end

---@param x number
---@param y number
---@return number
function math.fmod(x, y) end

---@param x number
---@return number
---@return integer exponent
function math.frexp(x) end

---@param m number
---@param e integer
---@return number
function math.ldexp(m, e) end

---@param x number
---@param base? number
---@return number
function math.log(x, base) end

---@param x number
---@return number
function math.log10(x) end

---@param x number
---@param ... number
---@return number
function math.max(x, ...) end

---@param x number
---@param ... number
---@return number
function math.min(x, ...) end

---@param x number
---@return integer whole
---@return number rest
function math.modf(x) end

---@param x number
---@param y number
---@return number
function math.pow(x, y) end

---@param x number
---@return number
function math.rad(x) end

--- For no secret: see crypto.random.
---@param m? integer
---@param n? integer
---@return number
function math.random(m, n) end

---@param seed integer
function math.randomseed(seed) end

---@param x number
---@return number
function math.sin(x) end

---@param x number
---@return number
function math.sinh(x) end

---@param x number
---@return number
function math.sqrt(x) end

---@param x number
---@return number
function math.tan(x) end

---@param x number
---@return number
function math.tanh(x) end


-- ---------------------------------------------------------------------- bit

--- LuaJIT's, of 32 bits.
bit = {}

---@param x integer
---@param n integer
---@return integer
function bit.arshift(x, n) end

---@param x integer
---@param ... integer
---@return integer
function bit.band(x, ...) end

---@param x integer
---@return integer
function bit.bnot(x) end

---@param x integer
---@param ... integer
---@return integer
function bit.bor(x, ...) end

---@param x integer
---@return integer
function bit.bswap(x) end

---@param x integer
---@param ... integer
---@return integer
function bit.bxor(x, ...) end

---@param x integer
---@param n integer
---@return integer
function bit.lshift(x, n) end

---@param x integer
---@param n integer
---@return integer
function bit.rol(x, n) end

---@param x integer
---@param n integer
---@return integer
function bit.ror(x, n) end

---@param x integer
---@param n integer
---@return integer
function bit.rshift(x, n) end

---@param x integer
---@return integer
function bit.tobit(x) end

---@param x integer
---@param digits? integer
---@return string
function bit.tohex(x, digits) end


-- ----------------------------------------------------------------------- os

--- What tells the time.
os = {}

---@return number seconds of CPU
function os.clock() end

---@param format? string
---@param time? integer
---@return string|table
function os.date(format, time) end

---@param at? table
---@return integer seconds since 1970
function os.time(at) end
