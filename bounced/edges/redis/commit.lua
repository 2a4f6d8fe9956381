#!lua
-- bounced commit, version 2: counts one report and writes what follows from it, all or nothing, once.
--
-- The first line makes the server refuse the whole script, before it starts, when it is out of memory, read-only,
-- or short of replicas.  All that can fail for a key of the wrong type is read or written before the state and the
-- memory of the report, so that no error leaves a state without its report or a report without its state.
--
-- KEYS  1 seen  2 events  3 counts  4 blocks  5 unrecognised
--       and where an address is concerned  6 address  7 history  8 suppressed  9 due  10 disputed
--       further ones at the places that the request names: intake, unknowns, bouncing
-- ARGV  1 request, JSON  2 event, JSON object  3 message to keep, or empty
--       4 how many fields of an hour each room has, JSON object
--
-- request: digest, seen_ttl_s ('' as digest: nothing is remembered), at (unix time), types (of the entries that the
--   event makes in the stream), events_max, counters and rooms (the room of each, '' for the list's own; each is
--   counted up by count), block, in_history;
--   measure, rates and rate_rooms: counters, likewise, that only the first report of its path with this measure counts
--   up ('': none); it is taken though its path has had its reports;
--   with an entry of the intake stream, acknowledged and deleted: entry, group, intake (place of the key);
--   with an address: address (as in keys), domain, version (that was decided upon), disputed (likewise; 0 for none);
--   where the domain may be wrong about the address: unknowns (place of the key), wave_s;
--   if its state changes: state (flat list of fields), ttl_s (0: for good), suppressed, due (0: not);
--   if it was or is bouncing then: bouncing, an object with key (place of the key), was, is
-- answer: {'committed', addresses in the wave, rooms that had no place for a counter ...}, {'duplicate'}, {'dropped'},
--   or {'stale', disputed, field, value, ...} for another decision

local DAY_S = 86400
local SEEN_MAX, HISTORY_MAX, HISTORY_TTL_S = 20, 8, 400 * DAY_S
local COUNTS_TTL_S, BLOCKS_MAX, UNRECOGNISED_MAX = 35 * DAY_S, 10000, 1000

-- In this order, so that the entries of a stream differ in their values only and are kept small.
local EVENT_FIELDS = {
  'id', 'at', 'address', 'kind', 'action', 'category', 'class', 'status', 'rule', 'diagnostic', 'campaign', 'before',
  'after', 'until', 'reason', 'note', 'origin', 'peer', 'reporting_mta', 'sent_on', 'profile', 'names_others',
  'shared_from', 'provider', 'sending_ip',
}

local LAST_S = 253402300799  -- the end of the year 9999

local request = cjson.decode(ARGV[1])
local call = redis.call

-- What is no whole number counts as none, so that nothing that somebody else wrote can stop a commit.
local function whole(text)
  local digits = text and string.match(text, '^0*(%d+)$')
  return digits and #digits <= 15 and tonumber(digits) or nil
end

local function add(key, field, number)
  local answer = redis.pcall('HINCRBY', key, field, number)
  if type(answer) == 'table' and answer.err then call('HSET', key, field, math.max(0, number)) end
end

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
  local until_ = whole(call('ZSCORE', KEYS[10], request.domain)) or 0
  return until_ > request.at and until_ <= LAST_S and until_ or 0
end

local function stale()
  local disputed = disputed_until()
  local written = call('HGET', KEYS[6], 'version')
  local version = written and (whole(written) or 1) or 0
  if version == request.version and disputed == request.disputed then return nil end
  local answer = call('HGETALL', KEYS[6])
  table.insert(answer, 1, 'stale')
  table.insert(answer, 2, tostring(disputed))
  return answer
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

local function fields_of(room)
  request.fields_of = request.fields_of or cjson.decode(ARGV[4])
  return request.fields_of[room]
end

-- The names of what is to be counted, and beside it their rooms.
local function counters()
  local names, rooms = request.counters, request.rooms
  if request.measure == '' then return names, rooms end
  if request.digest == '' or call('SADD', KEYS[1], '~' .. request.measure) == 1 then
    for i, name in ipairs(request.rates) do
      rooms[#names + 1] = request.rate_rooms[i]
      names[#names + 1] = name
    end
  end
  return names, rooms
end

-- Counts up by reading and writing all counters at once: one entry in the append-only file instead of six.  A new field
-- takes a place in its room; where that is full, the room's ~other counts instead.  Returns the rooms that were full.
local function count(names, rooms)
  local number, places, taken = #names, {}, {}
  for i = 1, number do
    local room = rooms[i]
    if room ~= '' and not places[room] then
      names[#names + 1] = '~fields:' .. room
      places[room] = #names
    end
  end
  local held, updates, full, is_new = call('HMGET', KEYS[3], unpack(names)), {}, {}, false
  for i = 1, number do
    local room = rooms[i]
    local fits = held[i] or room == ''
    if not held[i] and room == '' then is_new = true end
    if not fits then
      local so_far = taken[room] or whole(held[places[room]]) or 0
      fits = so_far < fields_of(room)
      if fits then taken[room] = so_far + 1 end
    end
    if fits then
      updates[#updates + 1] = names[i]
      updates[#updates + 1] = (whole(held[i]) or 0) + request.count
    else
      full[#full + 1] = room
    end
  end
  for room, fields in pairs(taken) do
    updates[#updates + 1] = names[places[room]]
    updates[#updates + 1] = fields
  end
  if #updates > 0 then call('HSET', KEYS[3], unpack(updates)) end
  for _, room in ipairs(full) do add(KEYS[3], '~other:' .. room, request.count) end
  if is_new then call('EXPIRE', KEYS[3], COUNTS_TTL_S) end  -- an hour begins with a counter of the list's own
  return full
end

-- By the day on which the state would be forgotten: whoever is forgotten is counted no longer.
local function count_bouncing(forgotten_at)
  local bouncing = request.bouncing
  if not bouncing then return end
  local key = KEYS[bouncing.key]
  if bouncing.was then add(key, math.floor(call('EXPIRETIME', KEYS[6]) / DAY_S), -1) end
  if bouncing.is then
    add(key, math.floor(forgotten_at / DAY_S), 1)
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
local overflowed = count(counters())
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
return {'committed', wave, unpack(overflowed)}
