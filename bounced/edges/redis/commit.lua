#!lua
-- bounced commit, version 7: counts one report and writes what follows from it, all or nothing, once.
--
-- How it works.  A worker has read a state, has decided, and sends what to write with the version of that state.
-- 1. The script reads.  Was this report counted before?  Is the state another one by now?  Is each key that will be
--    written of its type?  Where the answer forbids to write, the script ends here and says so.
-- 2. The script writes.  Redis takes nothing back when a script fails half-way, so no write may fail: step 1 has read
--    each key with a command that is for its type only.
-- A duplicate writes too (it touches `seen`): the wait for durability that follows on the connection then covers the
-- writes of the first report as well.  The first line makes the server refuse the script before it starts where it is
-- out of memory, read-only or short of replicas.
--
-- The names of keys, arguments and constants, in capitals, are declared in script.py, which puts them in the place of
-- the line NAMES.  The request has the fields of Given in script.py, of Writes and of StateWrites.
-- answer: {'committed', addresses in the wave, quotas that were used up ...}, {'duplicate'}, {'dropped'},
--   {'stale', disputed until, class of the path's failure, field, value, ...}: decide again upon this state, or
--   {'wrong_type', key}

-- NAMES

local SEEN_MAX, HISTORY_MAX, HISTORY_TTL_S = 20, 8, 400 * DAY_S
local DAYS_TTL_S = 400 * DAY_S
local COUNTS_TTL_S, BLOCKS_MAX, UNRECOGNISED_MAX, COMPLAINTS_MAX = 35 * DAY_S, 10000, 1000, 100000

local request = cjson.decode(REQUEST)
local state = request.state
local remembered, concerns_address, settles_entry = #request.digests > 0, request.address ~= '', request.entry ~= ''
local call = redis.call

-- What is no whole number counts as none, so that nothing that somebody else wrote can stop a commit.
local function whole(text)
  local digits = text and string.match(text, '^0*(%d+)$')
  return digits and #digits <= 15 and tonumber(digits) or nil
end

-- Step 1: read.

-- A key of another type ends the reading: what is raised here is caught at the end of this file.
local function read(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  error(string.find(answer.err, 'WRONGTYPE', 1, true) and {wrong_type = key} or answer)
end

-- `seen` marks beside the digests for which measures its path was counted, in this order.
local MEASURES, MARKS = {unpack(FROM_HARDEST)}, {}
for _, measure in ipairs(OTHER_MEASURES) do MEASURES[#MEASURES + 1] = measure end
for i, measure in ipairs(MEASURES) do MARKS[i] = '~' .. measure end

-- Returns what became of this report when it was counted before, and else whether it is the first of its path and
-- measure, and the hardest class as which mail to the path failed before.
local function counted_before()
  local members = remembered and read('SCARD', SEEN) or 0
  if members == 0 then return nil, request.measure ~= '', '' end
  local asked = {unpack(MARKS)}
  for _, digest in ipairs(request.digests) do asked[#asked + 1] = digest end
  local found = read('SMISMEMBER', SEEN, unpack(asked))
  for i = #MARKS + 1, #asked do
    if found[i] == 1 then return 'duplicate' end
  end
  local first, failed_as, marks = request.measure ~= '', '', 0
  for i, measure in ipairs(MEASURES) do
    marks = marks + found[i]
    if found[i] == 1 and measure == request.measure then first = false end
    if found[i] == 1 and failed_as == '' and i <= #FROM_HARDEST then failed_as = measure end
  end
  -- Twenty warnings of a delay must not hide the failure that comes in the end.
  if members - marks >= SEEN_MAX and not first then return 'dropped' end
  return nil, first, failed_as
end

local function until_of(disputed)
  local until_ = whole(read('ZSCORE', DISPUTED, disputed)) or 0
  return until_ > request.at and until_ <= LAST_S and until_ or 0
end

-- The domain's, or that of the provider that calls the address unknown, whichever lasts longer.
local function disputed_until()
  local until_ = until_of(request.domain)
  if request.provider == '' then return until_ end
  return math.max(until_, until_of(PROVIDER_SCOPE .. request.provider))
end

-- Returns the present state where it is not the one upon which the worker has decided.
local function stale(failed_as)
  local disputed = disputed_until()
  local written = read('HGET', ADDRESS, 'version')
  local version = written and (whole(written) or 1) or 0
  if version == request.version and disputed == request.disputed and failed_as == request.path_failed_as then
    return nil
  end
  local answer = call('HGETALL', ADDRESS)
  table.insert(answer, 1, 'stale')
  table.insert(answer, 2, tostring(disputed))
  table.insert(answer, 3, failed_as)
  return answer
end

-- Those keys that will be written and that nothing else reads before.
local function check_types()
  if #request.event_types > 0 then read('XLEN', EVENTS) end
  if request.block then read('XLEN', BLOCKS) end
  if MESSAGE ~= '' then read('XLEN', UNRECOGNISED) end
  if #request.complaint > 0 then read('XLEN', COMPLAINTS) end
  if request.doubtful then read('ZCARD', UNKNOWNS) end
  if request.in_history then read('LLEN', HISTORY) end
  if not state then return end
  read('SCARD', SUPPRESSED)
  read('ZCARD', DUE)
  if state.was_bouncing or state.bouncing then read('HLEN', BOUNCING) end
end

-- Returns the names and quotas of the counters, and behind the names the places where each quota counts its fields.
local function counters(first)
  local names, quotas, places = {}, {}, {}
  local function add(counters)
    for i = 1, #counters, 2 do
      names[#names + 1], quotas[#quotas + 1] = counters[i], counters[i + 1]
    end
  end
  add(request.counters)
  if first then add(request.rates) end
  for _, quota in ipairs(quotas) do
    if quota ~= '' and not places[quota] then
      names[#names + 1] = '~fields:' .. quota
      places[quota] = #names
    end
  end
  return names, quotas, places
end

-- Returns what is to be set among the counters, and the quotas that have no new field left.  All are read and written
-- at once: one entry in the append-only file instead of six.
local function counted(first)
  local names, quotas, places = counters(first)
  if #names == 0 then return {updates = {}, full = {}, is_new = false} end
  local held, taken = read('HMGET', COUNTS, unpack(names)), {}
  local updates, full, is_new = {}, {}, false
  for i, quota in ipairs(quotas) do
    local fits = held[i] or quota == ''
    if not held[i] and quota == '' then is_new = true end
    if not fits then
      local so_far = taken[quota] or whole(held[places[quota]]) or 0
      fits = so_far < MAX_FIELDS[quota]
      if fits then taken[quota] = so_far + 1 end
    end
    if fits then
      updates[#updates + 1] = names[i]
      updates[#updates + 1] = (whole(held[i]) or 0) + request.count_by
    else
      full[#full + 1] = quota
    end
  end
  for quota, fields in pairs(taken) do
    updates[#updates + 1] = names[places[quota]]
    updates[#updates + 1] = fields
  end
  return {updates = updates, full = full, is_new = is_new}
end

-- Returns what is to be set among the few counters of the day.  They have no quota.
local function counted_by_day()
  if #request.by_day == 0 then return {updates = {}, is_new = false} end
  local updates, is_new = {}, false
  for i, held in ipairs(read('HMGET', DAY_COUNTS, unpack(request.by_day))) do
    if not held then is_new = true end
    updates[#updates + 1] = request.by_day[i]
    updates[#updates + 1] = (whole(held) or 0) + request.count_by
  end
  return {updates = updates, is_new = is_new}
end

local function settle_entry()
  if not settles_entry then return end
  call('XACK', INTAKE, INTAKE_GROUP, request.entry)
  call('XDEL', INTAKE, request.entry)
end

-- Returns an answer where nothing is to be written, else nil, whether the report is the first of its path and measure,
-- and what is to be counted in the hour and in the day.
local function look()
  if settles_entry and #read('XRANGE', INTAKE, request.entry, request.entry) == 0 then return {'duplicate'} end
  local known, first, failed_as = counted_before()
  if known then
    call('EXPIRE', SEEN, request.seen_ttl_s)  -- the write of a duplicate
    settle_entry()
    return {known}
  end
  local present = concerns_address and stale(failed_as)
  if present then return present end
  check_types()
  return nil, first, counted(first), counted_by_day()
end

-- Step 2: write.

local function increase(key, field, number)
  local answer = redis.pcall('HINCRBY', key, field, number)
  if type(answer) == 'table' and answer.err then call('HSET', key, field, math.max(0, number)) end
end

local function record_event()
  if #request.event_types == 0 and MESSAGE == '' then return end
  local given, event = cjson.decode(EVENT), {'type', ''}
  for _, field in ipairs(EVENT_FIELDS) do
    if given[field] then
      event[#event + 1] = field
      event[#event + 1] = given[field]
    end
  end
  for i, type in ipairs(request.event_types) do
    event[2] = type
    if i == 1 then
      call('XADD', EVENTS, 'MAXLEN', '~', request.events_max, '*', unpack(event))
    else
      call('XADD', EVENTS, '*', unpack(event))
    end
  end
  if request.block then
    local entry = request.words == '' and event or {'words', request.words, unpack(event)}
    call('XADD', BLOCKS, 'MAXLEN', '~', BLOCKS_MAX, '*', unpack(entry))
  end
  if MESSAGE ~= '' then
    event[#event + 1] = 'content'
    event[#event + 1] = MESSAGE
    call('XADD', UNRECOGNISED, 'MAXLEN', UNRECOGNISED_MAX, '*', unpack(event))
  end
end

-- Entries that are too old go at once: what is promised is a number of days.
local function keep_complaint()
  if #request.complaint == 0 then return end
  local oldest = call('TIME')[1] - COMPLAINTS_KEPT_S
  call('XADD', COMPLAINTS, 'MINID', string.format('%.0f', oldest * 1000), '*', unpack(request.complaint))
  if call('XLEN', COMPLAINTS) > COMPLAINTS_MAX then call('XTRIM', COMPLAINTS, 'MAXLEN', '~', COMPLAINTS_MAX) end
  call('EXPIRE', COMPLAINTS, COMPLAINTS_KEPT_S)
end

local function count(counts)
  if #counts.updates > 0 then call('HSET', COUNTS, unpack(counts.updates)) end
  for _, quota in ipairs(counts.full) do increase(COUNTS, '~other:' .. quota, request.count_by) end
  if counts.is_new then call('EXPIRE', COUNTS, COUNTS_TTL_S) end  -- an hour begins with a counter of the list's own
end

local function count_by_day(counts)
  if #counts.updates > 0 then call('HSET', DAY_COUNTS, unpack(counts.updates)) end
  if counts.is_new then call('EXPIRE', DAY_COUNTS, DAYS_TTL_S) end
end

local function join_wave()
  if not request.doubtful then return 0 end
  call('ZREMRANGEBYSCORE', UNKNOWNS, '-inf', request.at - WAVE_S)
  call('ZADD', UNKNOWNS, 'GT', request.at, request.address)
  call('EXPIRE', UNKNOWNS, WAVE_S)
  return call('ZCARD', UNKNOWNS)
end

local function remember_event()
  local entry = '{"type":"' .. request.event_types[#request.event_types] .. '",' .. EVENT:sub(2)
  if call('LPUSH', HISTORY, entry) > HISTORY_MAX then call('LTRIM', HISTORY, 0, HISTORY_MAX - 1) end
  call('EXPIRE', HISTORY, HISTORY_TTL_S)
end

-- `bouncing` counts by the day on which a state expires, so that an expired state is counted no longer.
local function count_bouncing(forgotten_at)
  if state.was_bouncing then increase(BOUNCING, math.floor(call('EXPIRETIME', ADDRESS) / DAY_S), -1) end
  if state.bouncing then
    increase(BOUNCING, math.floor(forgotten_at / DAY_S), 1)
    call('HDEL', BOUNCING, math.floor((forgotten_at - state.ttl_s) / DAY_S) - 1)  -- yesterday
  end
end

local function write_state()
  local known = request.version > 0
  local forgotten_at = state.ttl_s > 0 and call('TIME')[1] + state.ttl_s
  count_bouncing(forgotten_at)
  if state.suppressed then
    call('SADD', SUPPRESSED, request.address)
  elseif known then
    call('SREM', SUPPRESSED, request.address)
  end
  if state.due > 0 then
    call('ZADD', DUE, state.due, request.address)
  elseif known then
    call('ZREM', DUE, request.address)
  end
  if known then call('DEL', ADDRESS) end
  call('HSET', ADDRESS, unpack(state.fields))
  if forgotten_at then call('EXPIREAT', ADDRESS, forgotten_at) end
end

local function remember_report(first)
  if not remembered then return end
  if first then
    call('SADD', SEEN, request.digests[1], '~' .. request.measure)
  else
    call('SADD', SEEN, request.digests[1])
  end
  call('EXPIRE', SEEN, request.seen_ttl_s)
end

local read_well, answer, first, counts, counts_of_day = pcall(look)
if not read_well then
  return type(answer) == 'table' and answer.wrong_type and {'wrong_type', answer.wrong_type} or error(answer)
end
if answer then return answer end
record_event()
keep_complaint()
count(counts)
count_by_day(counts_of_day)
local wave = join_wave()
if request.in_history then remember_event() end
if state then write_state() end
remember_report(first)
settle_entry()
return {'committed', wave, unpack(counts.full)}
