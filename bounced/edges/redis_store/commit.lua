#!lua
-- bounced commit, version 1: counts one report and writes what follows from it, all or nothing, once.
--
-- The first line makes the server refuse the whole script, before it starts, when it is out of memory, read-only,
-- or short of replicas.  All that can fail for a key of the wrong type is read or written before the state and the
-- memory of the report, so that no error leaves a state without its report or a report without its state.
--
-- KEYS  1 seen  2 events  3 counts  4 blocks  5 unrecognised
--       and where an address is concerned  6 address  7 history  8 suppressed  9 due  10 disputed
-- ARGV  1 request, JSON  2 entry of the history, or empty  3 message to keep, or empty
--
-- request: digest, seen_ttl_s ('' as digest: nothing is remembered), at (unix time), event (flat list, its second
--   element is replaced by each of types), types, events_max, counters, block;
--   with an address: address (as in keys), domain, version (that was decided upon), disputed (likewise; 0 for none);
--   if its state changes: state (flat list of fields), ttl_s (0: for good), suppressed, due (0: not)
-- answer: {'committed'}, {'duplicate'}, {'dropped'}, or {'stale', disputed, field, value, ...} for another decision

local SEEN_MAX, HISTORY_MAX, HISTORY_TTL_S = 20, 8, 400 * 86400
local COUNTS_MAX, COUNTS_TTL_S, BLOCKS_MAX, UNRECOGNISED_MAX = 10000, 35 * 86400, 10000, 1000

local request = cjson.decode(ARGV[1])
local call = redis.call

local function counted_before()
  local reports = call('SCARD', KEYS[1])
  if reports == 0 then return nil end
  if call('SISMEMBER', KEYS[1], request.digest) == 1 then return 'duplicate' end
  return reports >= SEEN_MAX and 'dropped' or nil
end

local function disputed_until()
  local until_ = tonumber(call('ZSCORE', KEYS[10], request.domain) or 0)
  return until_ > request.at and until_ or 0
end

local function stale()
  local disputed = disputed_until()
  local version = tonumber(call('HGET', KEYS[6], 'version') or 0)
  if version == request.version and disputed == request.disputed then return nil end
  return {'stale', tostring(disputed), unpack(call('HGETALL', KEYS[6]))}
end

local function record_event()
  local event = request.event
  for _, type in ipairs(request.types) do
    event[2] = type
    call('XADD', KEYS[2], 'MAXLEN', '~', request.events_max, '*', unpack(event))
  end
  if request.block then call('XADD', KEYS[4], 'MAXLEN', '~', BLOCKS_MAX, '*', unpack(event)) end
  if ARGV[3] ~= '' then
    event[#event + 1] = 'content'
    event[#event + 1] = ARGV[3]
    call('XADD', KEYS[5], 'MAXLEN', UNRECOGNISED_MAX, '*', unpack(event))
  end
end

local function count()
  local before = call('HLEN', KEYS[3])
  local fields = before
  for _, counter in ipairs(request.counters) do
    if fields >= COUNTS_MAX - 1 and call('HEXISTS', KEYS[3], counter) == 0 then counter = '~other' end
    if call('HINCRBY', KEYS[3], counter, 1) == 1 then fields = fields + 1 end
  end
  if before == 0 then call('EXPIRE', KEYS[3], COUNTS_TTL_S) end
end

local function write_state()
  if request.suppressed then
    call('SADD', KEYS[8], request.address)
  else
    call('SREM', KEYS[8], request.address)
  end
  if request.due > 0 then
    call('ZADD', KEYS[9], request.due, request.address)
  else
    call('ZREM', KEYS[9], request.address)
  end
  if request.version > 0 then call('DEL', KEYS[6]) end
  call('HSET', KEYS[6], unpack(request.state))
  if request.ttl_s > 0 then call('EXPIRE', KEYS[6], request.ttl_s) end
end

local function remember(history)
  call('LPUSH', KEYS[7], history)
  call('LTRIM', KEYS[7], 0, HISTORY_MAX - 1)
  call('EXPIRE', KEYS[7], HISTORY_TTL_S)
end

local known = request.digest ~= '' and counted_before()
if known then
  call('EXPIRE', KEYS[1], request.seen_ttl_s)  -- a write, so that the wait for durability covers the original too
  return {known}
end
if request.address then
  local present = stale()
  if present then return present end
end
record_event()
count()
if ARGV[2] ~= '' then remember(ARGV[2]) end
if request.state then write_state() end
if request.digest ~= '' then
  call('SADD', KEYS[1], request.digest)
  call('EXPIRE', KEYS[1], request.seen_ttl_s)
end
return {'committed'}
