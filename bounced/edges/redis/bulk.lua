#!lua
-- bounced bulk, version 3: writes many states of a list at once, each only where nobody changed it meanwhile,
-- and tells of each in the stream `bulk`.
--
-- KEYS  1 suppressed  2 due  3 bouncing  4 bulk  5... the address of each item
-- ARGV  1 items, JSON, each a list: address (as in keys), version (that was decided upon), due (unix time; 0: not),
--         the event (a list: name and value of each field), and name and value of each field of the state
--       2 about how many entries `bulk` keeps
-- answer: the places, from 0, of the items that were not written, because their version is another one by now

-- Redis takes nothing back when a script fails half-way: every key is read with a command that is for its type only
-- before any is written.

local call = redis.call
local items, versions, written, events, stale = cjson.decode(ARGV[1]), {}, {}, {}, {}

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

for number in ipairs(items) do versions[number] = version_of(call('HGET', KEYS[number + 4], 'version')) end

for number, item in ipairs(items) do
  local key, address, version, due, event = KEYS[number + 4], unpack(item, 1, 4)
  if versions[number] ~= version then
    stale[#stale + 1] = number - 1
  else
    written[#written + 1], events[#events + 1] = address, event
    if version > 0 then forget(key) end
    call('HSET', key, unpack(item, 5))
    if due > 0 then
      call('ZADD', KEYS[2], due, address)
    elseif version > 0 then
      call('ZREM', KEYS[2], address)
    end
  end
end
if #written > 0 then call('SADD', KEYS[1], unpack(written)) end
for _, event in ipairs(events) do call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[2], '*', unpack(event)) end
return stale
