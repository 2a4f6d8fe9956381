#!lua
-- bounced commit, version 1: counts one report and writes what follows from it, all or nothing, once.
--
-- The first line makes the server refuse the whole script, before it starts, when it is out of memory, read-only,
-- or short of replicas.  All that can fail for a key of the wrong type is read or written before the state and the
-- memory of the report, so that no error leaves a state without its report or a report without its state.
--
-- KEYS  1 seen  2 events  3 counts  4 blocks  5 unrecognised
--       and where an address is concerned  6 address  7 history  8 suppressed  9 due  10 disputed
--       further ones at the places that the request names: intake, unknowns, bouncing
-- ARGV  1 request, JSON  2 event, JSON object  3 message to keep, or empty
--
-- request: digest, seen_ttl_s ('' as digest: nothing is remembered), at (unix time), types (of the entries that the
--   event makes in the stream), events_max, counters (each is counted up by count), block, in_history;
--   measure and rates: counters that only the first report of its path with this measure counts up ('': none); it is
--   taken though its path has had its reports;
--   with an entry of the intake stream, acknowledged and deleted: entry, group, intake (place of the key);
--   with an address: address (as in keys), domain, version (that was decided upon), disputed (likewise; 0 for none);
--   where the domain may be wrong about the address: unknowns (place of the key), wave_s;
--   if its state changes: state (flat list of fields), ttl_s (0: for good), suppressed, due (0: not);
--   if it was or is bouncing then: bouncing, an object with key (place of the key), was, is
-- answer: {'committed', addresses in the wave}, {'duplicate'}, {'dropped'}, or {'stale', disputed, field, value, ...} for another decision

local DAY_S = 86400
local SEEN_MAX, HISTORY_MAX, HISTORY_TTL_S = 20, 8, 400 * DAY_S
local COUNTS_MAX, COUNTS_TTL_S, BLOCKS_MAX, UNRECOGNISED_MAX = 10000, 35 * DAY_S, 10000, 1000

-- In this order, so that the entries of a stream differ in their values only and are kept small.
local EVENT_FIELDS = {
  'id', 'at', 'address', 'kind', 'action', 'category', 'class', 'status', 'rule', 'diagnostic', 'campaign', 'before',
  'after', 'until', 'reason', 'note', 'origin', 'peer', 'reporting_mta', 'sent_on', 'profile', 'names_others',
  'shared_from', 'provider', 'sending_ip',
}

local request = cjson.decode(ARGV[1])
local call = redis.call

-- Beside the digests the set marks which measures its path was counted for.
local function marks(reports)
  if reports < SEEN_MAX then return 0 end
  return call('SISMEMBER', KEYS[1], '~hard') + call('SISMEMBER', KEYS[1], '~complaint')
    + call('SISMEMBER', KEYS[1], '~failed')
end

-- Twenty warnings of a delay must not hide the failure that comes in the end.
local function first_of_its_measure()
  return request.measure ~= '' and call('SISMEMBER', KEYS[1], '~' .. request.measure) == 0
end

local function counted_before()
  local reports = call('SCARD', KEYS[1])
  if reports == 0 then return nil end
  if call('SISMEMBER', KEYS[1], request.digest) == 1 then return 'duplicate' end
  return reports - marks(reports) >= SEEN_MAX and not first_of_its_measure() and 'dropped' or nil
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
  local given, event = cjson.decode(ARGV[2]), {'type', ''}
  for _, field in ipairs(EVENT_FIELDS) do
    if given[field] then
      event[#event + 1] = field
      event[#event + 1] = given[field]
    end
  end
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

local function counters()
  local names = request.counters
  if request.measure == '' then return names end
  if request.digest == '' or call('SADD', KEYS[1], '~' .. request.measure) == 1 then
    for _, name in ipairs(request.rates) do names[#names + 1] = name end
  end
  return names
end

-- Counts up by reading and writing all counters at once: one entry in the append-only file instead of six.
local function count(names)
  local updates, fields, other = {}, nil, 0
  for i, number in ipairs(call('HMGET', KEYS[3], unpack(names))) do
    if not number then
      fields = (fields or call('HLEN', KEYS[3])) + 1
    end
    if number or fields < COUNTS_MAX then
      updates[#updates + 1] = names[i]
      updates[#updates + 1] = (number or 0) + request.count
    else
      other = other + request.count
    end
  end
  if #updates > 0 then call('HSET', KEYS[3], unpack(updates)) end
  if other > 0 then call('HINCRBY', KEYS[3], '~other', other) end
  if fields and fields <= #names then call('EXPIRE', KEYS[3], COUNTS_TTL_S) end
end

-- By the day on which the state would be forgotten: whoever is forgotten is counted no longer.
local function count_bouncing(forgotten_at)
  local bouncing = request.bouncing
  if not bouncing then return end
  local key = KEYS[bouncing.key]
  if bouncing.was then call('HINCRBY', key, math.floor(call('EXPIRETIME', KEYS[6]) / DAY_S), -1) end
  if bouncing.is then
    call('HINCRBY', key, math.floor(forgotten_at / DAY_S), 1)
    call('HDEL', key, math.floor((forgotten_at - request.ttl_s) / DAY_S) - 1)  -- yesterday
  end
end

local function write_state()
  local known = request.version > 0
  local forgotten_at = request.ttl_s > 0 and call('TIME')[1] + request.ttl_s
  count_bouncing(forgotten_at)
  if request.suppressed then
    call('SADD', KEYS[8], request.address)
  elseif known then
    call('SREM', KEYS[8], request.address)
  end
  if request.due > 0 then
    call('ZADD', KEYS[9], request.due, request.address)
  elseif known then
    call('ZREM', KEYS[9], request.address)
  end
  if known then call('DEL', KEYS[6]) end
  call('HSET', KEYS[6], unpack(request.state))
  if forgotten_at then call('EXPIREAT', KEYS[6], forgotten_at) end
end

local function remember()
  local entry = '{"type":"' .. request.types[#request.types] .. '",' .. ARGV[2]:sub(2)
  if call('LPUSH', KEYS[7], entry) > HISTORY_MAX then call('LTRIM', KEYS[7], 0, HISTORY_MAX - 1) end
  call('EXPIRE', KEYS[7], HISTORY_TTL_S)
end

local function join_wave()
  if not request.unknowns then return 0 end
  local unknowns = KEYS[request.unknowns]
  call('ZREMRANGEBYSCORE', unknowns, '-inf', request.at - request.wave_s)
  call('ZADD', unknowns, 'GT', request.at, request.address)
  call('EXPIRE', unknowns, request.wave_s)
  return call('ZCARD', unknowns)
end

local intake = request.intake and KEYS[request.intake]
if intake and #call('XRANGE', intake, request.entry, request.entry) == 0 then return {'duplicate'} end
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
count(counters())
local wave = join_wave()
if request.in_history then remember() end
if request.state then write_state() end
if request.digest ~= '' then
  call('SADD', KEYS[1], request.digest)
  call('EXPIRE', KEYS[1], request.seen_ttl_s)
end
if intake then
  call('XACK', intake, request.group, request.entry)
  call('XDEL', intake, request.entry)
end
return {'committed', wave}
