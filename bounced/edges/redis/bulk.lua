#!lua
-- bounced bulk, version 4: writes many states of a list at once, each only where nobody changed it meanwhile,
-- and tells of each in the stream `bulk`.
--
-- KEYS  1 suppressed  2 due  3 bouncing  4 bulk  5... the address of each item
-- ARGV  1 items, JSON, each a list: form, version (that was decided upon), due (unix time; 0: not), address (as in
--         keys), the id of its event, the state before (one word), and the value of each field of the state
--       2 about how many entries `bulk` keeps
--       3 forms, JSON, each two lists: the names of the fields of a state; names and values of the fields of an event,
--         where a number is the place in the item at which the value stands
-- answer: the places, from 0, of the items that were not written, because their version is another one by now

-- Redis takes nothing back when a script fails half-way: every key is read with a command that is for its type only
-- before any is written.

local call = redis.call
local items, forms = cjson.decode(ARGV[1]), cjson.decode(ARGV[3])
local versions, written, stale, OWN = {}, {}, {}, 6

call('SCARD', KEYS[1])
call('ZCARD', KEYS[2])
call('HLEN', KEYS[3])
call('XLEN', KEYS[4])

-- What is no whole number counts as version 1, as it does where it is read.
local function version_of(written)
  local digits = written and string.match(written, '^0*(%d+)$')
  return written and (digits and #digits <= 15 and tonumber(digits) or 1) or 0
end

-- The state goes, and its address is no longer among those that are bouncing.
local function forget(key)
  if call('HGET', key, 'state') == 'bouncing' then
    local day = math.floor(call('EXPIRETIME', key) / 86400)
    local answer = redis.pcall('HINCRBY', KEYS[3], day, -1)
    if type(answer) == 'table' and answer.err then call('HSET', KEYS[3], day, 0) end
  end
  call('DEL', key)
end

-- Names and values one after the other, and where in them the values of an item are filled in.
local function blank_state(names)
  local blank = {}
  for number, name in ipairs(names) do blank[2 * number - 1] = name end
  return blank
end
local function blank_event(event)
  local own = {}
  for place, value in ipairs(event) do
    if type(value) == 'number' then own[#own + 1] = {place, value} end
  end
  return event, own
end

for _, form in ipairs(forms) do
  form.state, form.width = blank_state(form[1]), #form[1]
  form.event, form.own = blank_event(form[2])
end

for number in ipairs(items) do versions[number] = version_of(call('HGET', KEYS[number + 4], 'version')) end

for number, item in ipairs(items) do
  local form, version, due, address = forms[item[1]], unpack(item, 2, 4)
  if versions[number] ~= version then
    stale[#stale + 1] = number - 1
  else
    local key, state, event = KEYS[number + 4], form.state, form.event
    for field = 1, form.width do state[2 * field] = item[OWN + field] end
    for _, own in ipairs(form.own) do event[own[1]] = item[own[2]] end
    written[#written + 1] = address
    if version > 0 then forget(key) end
    call('HSET', key, unpack(state))
    if due > 0 then
      call('ZADD', KEYS[2], due, address)
    elseif version > 0 then
      call('ZREM', KEYS[2], address)
    end
    call('XADD', KEYS[4], '*', unpack(event))
  end
end
if #written > 0 then
  call('SADD', KEYS[1], unpack(written))
  call('XTRIM', KEYS[4], 'MAXLEN', '~', ARGV[2])
end
return stale
