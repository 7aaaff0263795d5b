---@meta _

-- manifest.lua: the table that plugin.lua returns, and what its functions get,
-- for editors. No plugin loads it; t/lua/annotations.t holds it against the
-- host, and `voltgate plugin check` says what is wrong with a manifest.
--
--   ---@type vg.manifest
--   return { abi = 9, name = "notes", … }

---@class (exact) vg.manifest
---@field abi integer 9
---@field name string the folder's, the schema's and the role's
---@field version string
---@field about string one line
---@field routes vg.route[]
---@field errors? vg.error[] the plugin's own refusals; the kit's may be used by name, too
---@field settings? vg.setting[] `voltgate_setting plugin.name value;`
---@field publishes? string[] types of events, each with events/<type>.json
---@field sagas? vg.saga[]
---@field keeps? vg.keep[] how long old rows stay
---@field counters? vg.counter[] what /metrics counts of it
---@field queries? table<string, vg.field[]> statements that handlers ask, with the fields that they give; a row may say which

---@alias vg.method "GET"|"POST"|"PUT"|"PATCH"|"DELETE"|"INTERNAL"|"OCPP16"|"EVENT"|"EVERY"|"JOB"|"HOOK"
---@alias vg.place "body"|"path"|"query"|"bound"|"setting"
---@alias vg.type "text"|"int"|"decimal"|"bool"|"uuid"|"time"|"enum"|"object"|"array"|"any"

--- A row: { "GET", "/notes/{id}", fields = …, statement = "note_get" }
---@class (exact) vg.route
---@field [1] vg.method
---@field [2] string the path; of INTERNAL "object.verb", of EVENT a type, of EVERY "30s", of JOB a kind, of HOOK another's route
---@field scope? string "notes:write"; nil: any identity; "-": none is needed
---@field fields? vg.field[]
---@field load? string a read, before check(): see call.row
---@field check? fun(call: vg.call): table? after the fields; a table is the answer; may not wait
---@field handler? fun(call: vg.call): table? then, before the statement; may wait; binds `bound` fields, or is the answer
---@field queries? string[] what its handler asks, and nothing else of the manifest's; a row whose statements do not name the caller says so, or `everybodys`
---@field lock? string one row that serialises the decision
---@field statement? string of sql/queries
---@field render? fun(call: vg.call): table? makes the answer from the row; may not wait
---@field steps? vg.step[] behind the answer; with `await` before the statement
---@field about? string one line, for OpenAPI
---@field cache? string GET: kept under these tags, "station:{id}"
---@field drops? string tags whose answers this makes old
---@field stands? string HOOK: "after auth, before charging"
---@field list? boolean rows (body, cursor), as a page
---@field append? boolean many small rows: the append lane
---@field transaction? boolean OCPP: answered with success even when the fields are wrong
---@field no_body? boolean a POST that takes none
---@field await? boolean steps run before the statement, and the caller waits
---@field here? boolean EVENT: told to every node; no statement
---@field form? boolean POST: application/x-www-form-urlencoded is taken, too
---@field oauth? boolean an endpoint of OAuth 2.0
---@field audited? boolean the audit trail has it, though it changes nothing
---@field rows? boolean POST of CSV or GeoJSON, each row a call
---@field stream? boolean a GET whose answer goes on
---@field everybodys? boolean the same for all who have the scope: no statement names the caller
---@field raw? boolean a POST whose body is taken as it comes
---@field optional? boolean HOOK: where it fails the call goes on without it

--- { "body", "text", "text", required = true, max = 200 }; of an array's item the type alone: { "text" }
---@class (exact) vg.field
---@field [1] vg.place|vg.type
---@field [2]? string camelCase; ":name" in the statement
---@field [3]? vg.type
---@field required? boolean absent is an error; else absent binds NULL
---@field nullable? boolean JSON null is taken and binds NULL
---@field secret? boolean shown in no log and no error
---@field lenient? boolean enum: another value is taken as it is; time: no offset means UTC
---@field min? integer of characters, of the value, of items
---@field max? integer
---@field values? string enum: "A|B|C"
---@field fields? vg.field[] object: its members
---@field item? vg.field array: the shape of one item
---@field about? string one line, with unit, for OpenAPI

---@class (exact) vg.step
---@field name string
---@field command fun(call: vg.call): vg.way?
---@field done? string the statement behind it, with :outcome
---@field undo? string the statement when it fails, with :reason
---@field told? fun(call: vg.call) awaited: reads call.outcome, before the statement

--- What a step asks: one of the three.
---@class vg.way
---@field ask? string an internal route
---@field args? table
---@field http? vg.request with `method`
---@field command? string a charge point's CALL: "Reset"
---@field charge_point? string
---@field payload? table

---@class (exact) vg.error
---@field name string snake_case
---@field status integer 400 to 599
---@field title string

--- A value that the type does not take is refused by `nginx -t`. A field { "setting", "holdAhead", "int" } binds hold_ahead.
---@class (exact) vg.setting
---@field name string snake_case
---@field type "text"|"int"|"decimal"|"bool"|"enum" bool: on or off
---@field value string the default
---@field about string what it is, with unit, and what follows when it is changed
---@field min? integer of characters, of the value
---@field max? integer
---@field values? string enum: "A|B|C"

---@class (exact) vg.saga
---@field name string "trips.book"
---@field steps vg.saga_step[]
---@field about string

---@class (exact) vg.saga_step
---@field name string
---@field ask? string an internal route; nil: done by the change that begins the saga
---@field undo? string an internal route
---@field timeout? integer ms for all its tries; 30 s

---@class (exact) vg.keep
---@field table string schema.table
---@field keep string "30d"
---@field statement string deletes some old rows
---@field about? string

--- voltgate_<plugin>_<name>_total in /metrics; with a label a number for each of its values. At most 64 numbers a plugin.
---@class (exact) vg.counter
---@field name string snake_case
---@field label? string snake_case; nil: one number
---@field values? string of the label: "A|B|C"
---@field about string one line

---@class vg.caller
---@field id string the subject; "" for chargers and events
---@field role string
---@field company string "" : none
---@field scopes? string that the identity is narrowed to, by one space; nil: all of the role's
---@field session? string what it is revoked by, beside id
---@field plan? string how often it may call; "": the role's

--- One call, from route to answer; when it is over its use is an error.
---@class vg.call
---@field values table<string, any> checked fields, by name; what is absent or null is nil
---@field body any the whole checked body
---@field row any of `load`, or in render() of the statement
---@field outcome any what the other side of a step said
---@field caller vg.caller
---@field now number microseconds since 1970
---@field new_id string :newId
---@field correlation_id string
---@field raw_body? string of a `raw` row: the bytes as they came
---@field address? string the client's IP address
---@field kept boolean in render() of a `cache` row: it came out of the cache
---@field charge_point? string OCPP16
---@field event_type? string EVENT
---@field event_id? string EVENT
---@field aggregate_id? string EVENT
---@field job_id? string JOB: the same over all its tries
---@field job_try integer JOB: from 1 on; 0 elsewhere
local vg_call = {}

--- Binds a field whose place is "bound".
---@param name string
---@param value? any what is no string as JSON
function vg_call:bind(name, value) end

--- What was bound so, as text; nil: nothing, as in an answer that is replayed.
---@param name string
---@return string?
function vg_call:bound(name) end

--- Refuses the call by an error's name: the plugin's, or the kit's.
---@param error string
---@param members? table for the problem document
function vg_call:refuse(error, members) end

--- Says what is wrong with a field; may be called for several.
---@param field string
---@param text string
function vg_call:refuse_field(field, text) end

--- Answers with this.
---@param answer table
function vg_call:reply(answer) end

--- In a hook's check: nothing is to be done, its handler is not run.
function vg_call:done() end

--- The value of one of the plugin's settings: of an int a number, of a bool a boolean, else text.
---@param name string
---@return string|number|boolean
function vg_call:setting(name) end

--- So many more of one of the plugin's counters, whatever becomes of the call.
---@param name string
---@param value? string of its label; nil: it has none
---@param more? integer 1
function vg_call:count(name, value, more) end

--- CSV (RFC 4180) of rows: what is nil is an empty cell, a table is its JSON; "place.lat" is a member's member.
---@param rows table[]
---@param columns string[] their names, in the order in which they stand
---@return string
function vg_call:csv(rows, columns) end

--- The names of the plugins that have such a row; `*` in the path is the plugin's own name.
---@param method vg.method
---@param path string "customer.moved.v1", "*.customer_export"
---@return string[]
function vg_call:plugins_with(method, path) end

--- One line in the error log. No secrets.
---@param text string
function vg_call:log(text) end

--- Answers with bytes of another type, or with a file of that name.
---@param type string "text/csv"
---@param text string
---@param name? string
function vg_call:reply_as(type, text, name) end

--- Answers with what document.draw() has drawn.
---@param name string of the file
function vg_call:reply_drawn(name) end

--- In render(), where `kept`: this is good no more, and the statement is asked.
function vg_call:decline() end

--- The first header of that name; in check() of a row without `load`.
---@param name string
---@return string?
function vg_call:header(name) end

--- Whether signature is HMAC-SHA256 in hex, over before and text, with a secret that the conf names so.
---@param secret string `voltgate_secret plugin.secret FILE;`
---@param before string
---@param text string
---@param signature string
---@return boolean? signed nil: there is no such secret
function vg_call:signed(secret, before, text, signature) end

--- For the audit trail: who it turned out to be.
---@param id string
function vg_call:acts(id) end

--- Whether those of a role may have a scope at all.
---@param role string
---@param scope string
---@return boolean
function vg_call:role_may(role, scope) end

--- What the flight recorder of this node holds of a charge point, newest first; that the caller may see it is yours to know.
---@param charge_point string
---@param from number microseconds
---@param to number
---@return { items: table[] }?
function vg_call:messages(charge_point, from, to) end
