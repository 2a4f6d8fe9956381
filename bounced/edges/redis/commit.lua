#!lua
-- bounced commit, version 7: counts reports and writes what follows from each, all or nothing, once.
--
-- How it works.  A worker has read a state, has decided, and sends what to write with the version of that state.  One
-- call has the reports that came at the same time for the same list and hour, some dozens at most.  They have their
-- turns one after the other, and each finds what those before it have written.  In its turn
-- 1. the script reads.  Was this report counted before?  Is the state another one by now?  Is each key that will be
--    written of its type?  Where the answer forbids to write, the turn ends here and the report's answer says so.
-- 2. the script writes.  Redis takes nothing back when a script fails half-way, so no write may fail: step 1 has read
--    each key with a command that is for its type only.
-- The counters are read at once when a report first needs them, and written at once after the last turn: one entry in
-- the append-only file instead of one for each report.
-- A duplicate writes too (it touches `seen`): the wait for durability that follows on the connection then covers the
-- writes of the first report as well.  The first line makes the server refuse the script before it starts where it is
-- out of memory, read-only or short of replicas.
--
-- The names of keys, arguments and constants, in capitals, are declared in script.py, which puts them in the place of
-- the line NAMES.  REPORTS is how many there are.  `take` gives the keys and arguments of one report to their names.
-- The request has the fields of Given in script.py, of Writes and of StateWrites.
-- answer: for each report {'committed', addresses in the wave, quotas that were used up ...}, {'duplicate'},
--   {'dropped'}, {'stale', disputed until, class of the path's failure, field, value, ...}: decide again upon this
--   state, {'wrong_type', key}, or an error

-- NAMES

local SEEN_MAX = 20
local HISTORY_MAX, HISTORY_MAX_OCTETS, HISTORY_TTL_S = 8, 6144, 400 * DAY_S
local DAYS_TTL_S = 400 * DAY_S
local COUNTS_TTL_S, BLOCKS_MAX, UNRECOGNISED_MAX, COMPLAINTS_MAX = 35 * DAY_S, 10000, 1000, 100000

local call = redis.call
local requests = {}
local request, state, remembered, concerns_address, settles_entry  -- of the report whose turn it is

-- What is no whole number counts as none, so that nothing that somebody else wrote can stop a commit.
local function whole(text)
  local number = text and string.find(text, '^%d+$') and tonumber(text)
  return number and number < 1e15 and number or nil
end

local time_s
local function now()
  time_s = time_s or call('TIME')[1]
  return time_s
end

-- Step 1: read.

-- A key of another type ends the turn: what is raised here is caught at the end of this file.
local function read(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  error(string.find(answer.err, 'WRONGTYPE', 1, true) and {wrong_type = key} or answer)
end

-- The keys of the list are asked once, whichever report needs them first.
local checked = {}
local function check(command, key)
  if not checked[key] then read(command, key) end
  checked[key] = true
end

-- `seen` marks beside the digests for which measures its path was counted.
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
    if found[i] == 1 and failed_as == '' and i <= CLASSES then failed_as = measure end
  end
  -- Twenty warnings of a delay must not hide the failure that comes in the end.
  if members - marks >= SEEN_MAX and not first then return 'dropped' end
  return nil, first, failed_as
end

local is_any_disputed
local function until_of(disputed)
  if is_any_disputed == nil then is_any_disputed = read('ZCARD', DISPUTED) > 0 end
  if not is_any_disputed then return 0 end
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
  if #request.event_types > 0 then check('XLEN', EVENTS) end
  if request.block then check('XLEN', BLOCKS) end
  if MESSAGE ~= '' then check('XLEN', UNRECOGNISED) end
  if #request.complaint > 0 then check('XLEN', COMPLAINTS) end
  if request.doubtful then read('ZCARD', UNKNOWNS) end
  if request.in_history then read('LLEN', HISTORY) end
  if not state then return end
  check('SCARD', SUPPRESSED)
  check('ZCARD', DUE)
  if state.was_bouncing or state.bouncing then check('HLEN', BOUNCING) end
end

-- The counters that reports of this call may count: their numbers as the turns before have left them (false for a
-- counter that does not exist), and those that have changed.  `over` is what came where a quota was used up.
local hour = {key = COUNTS, ttl_s = COUNTS_TTL_S, changed = {}, over = {}}
local day = {key = DAY_COUNTS, ttl_s = DAYS_TTL_S, changed = {}, over = {}}

-- Calls `add` with each counter of the hour that a request names: the names are followed by their quotas.
local function names_of_hour(asked, add)
  for _, counters in ipairs({asked.counters, asked.rates}) do
    for i = 1, #counters, 2 do
      add(counters[i])
      if counters[i + 1] ~= '' then add(IN_USE[counters[i + 1]]) end
    end
  end
end

local function names_of_day(asked, add)
  for _, name in ipairs(asked.by_day) do add(name) end
end

local function read_counters(counters, names_of)
  if counters.numbers then return end
  local names, numbers, count = {}, {}, 0
  local function add(name)
    if numbers[name] ~= nil then return end
    count = count + 1
    names[count], numbers[name] = name, false
  end
  for number = 1, REPORTS do
    if requests[number] then names_of(requests[number], add) end
  end
  local held = count > 0 and read('HMGET', counters.key, unpack(names))
  for i = 1, count do numbers[names[i]] = held[i] and (whole(held[i]) or 0) end
  counters.numbers = numbers
end

local function settle_entry()
  if not settles_entry then return end
  call('XACK', INTAKE, INTAKE_GROUP, request.entry)
  call('XDEL', INTAKE, request.entry)
end

-- Returns an answer where nothing is to be written, else nil, and whether the report is the first of its path and
-- measure.
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
  if #request.counters > 0 or first then read_counters(hour, names_of_hour) end
  if #request.by_day > 0 then read_counters(day, names_of_day) end
  return nil, first
end

-- Step 2: write.

local function increase(key, field, number)
  local answer = redis.pcall('HINCRBY', key, field, number)
  if type(answer) == 'table' and answer.err then call('HSET', key, field, math.max(0, number)) end
end

-- A stream is cut with the first entry of a call.
local cut = {}
local function append(stream, max, entry)
  if cut[stream] then
    call('XADD', stream, '*', unpack(entry))
  else
    call('XADD', stream, 'MAXLEN', '~', max, '*', unpack(entry))
    cut[stream] = true
  end
end

local function record_event()
  local event = request.event  -- {'type', which the script puts in, field, value, ...}
  for _, type in ipairs(request.event_types) do
    event[2] = type
    append(EVENTS, request.events_max, event)
  end
  if request.block then
    append(BLOCKS, BLOCKS_MAX, request.words == '' and event or {'words', request.words, unpack(event)})
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
  local oldest = now() - COMPLAINTS_KEPT_S
  call('XADD', COMPLAINTS, 'MINID', string.format('%.0f', oldest * 1000), '*', unpack(request.complaint))
  if call('XLEN', COMPLAINTS) > COMPLAINTS_MAX then call('XTRIM', COMPLAINTS, 'MAXLEN', '~', COMPLAINTS_MAX) end
  call('EXPIRE', COMPLAINTS, COMPLAINTS_KEPT_S)
end

local function set(counters, name, number)
  counters.numbers[name], counters.changed[name] = number, number
end

-- Counts a name among those of the hour.  Returns its quota where that has no new field left.
local function count(name, quota)
  local number = hour.numbers[name]
  if not number and quota == '' then hour.is_new = true end  -- an hour begins with a counter of the list's own
  if not number and quota ~= '' then
    local in_use = hour.numbers[IN_USE[quota]] or 0
    if in_use >= MAX_FIELDS[quota] then
      hour.over[quota] = (hour.over[quota] or 0) + request.count_by
      return quota
    end
    set(hour, IN_USE[quota], in_use + 1)
  end
  set(hour, name, (number or 0) + request.count_by)
end

-- Returns the quotas that have no new field left.
local function count_all(first)
  local full = {}
  local function count_each(counters)
    for i = 1, #counters, 2 do full[#full + 1] = count(counters[i], counters[i + 1]) end
  end
  count_each(request.counters)
  if first then count_each(request.rates) end
  for _, name in ipairs(request.by_day) do  -- these have no quota
    if not day.numbers[name] then day.is_new = true end
    set(day, name, (day.numbers[name] or 0) + request.count_by)
  end
  return full
end

local function write_counters(counters)
  local updates, length = {}, 0
  for name, number in pairs(counters.changed) do
    updates[length + 1], updates[length + 2] = name, number
    length = length + 2
  end
  if length > 0 then call('HSET', counters.key, unpack(updates)) end
  for quota, number in pairs(counters.over) do increase(counters.key, '~other:' .. quota, number) end
  if counters.is_new then call('EXPIRE', counters.key, counters.ttl_s) end
end

local function join_wave()
  if not request.doubtful then return 0 end
  call('ZREMRANGEBYSCORE', UNKNOWNS, '-inf', request.at - WAVE_S)
  call('ZADD', UNKNOWNS, 'GT', request.at, request.address)
  call('EXPIRE', UNKNOWNS, WAVE_S)
  return call('ZCARD', UNKNOWNS)
end

local function remember_event()
  local entries, kept, octets = call('LPUSH', HISTORY, PAST_EVENT), 1, #PAST_EVENT
  for _, older in ipairs(entries > 1 and call('LRANGE', HISTORY, 1, HISTORY_MAX - 1) or {}) do
    octets = octets + #older
    if octets > HISTORY_MAX_OCTETS then break end
    kept = kept + 1
  end
  if kept < entries then call('LTRIM', HISTORY, 0, kept - 1) end
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
  local forgotten_at = state.ttl_s > 0 and now() + state.ttl_s
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

local function commit(number)
  take(number)
  request = requests[number] or error('a request that is no JSON')
  state = request.state
  remembered, concerns_address, settles_entry = #request.digests > 0, request.address ~= '', request.entry ~= ''
  local answer, first = look()
  if answer then return answer end
  record_event()
  keep_complaint()
  local full, wave = count_all(first), join_wave()
  if request.in_history then remember_event() end
  if state then write_state() end
  remember_report(first)
  settle_entry()
  return {'committed', wave, unpack(full)}
end

-- What is raised in a turn is the answer to this report only.
local function answer_to(number)
  local well, answer = pcall(commit, number)
  if well then return answer end
  if type(answer) ~= 'table' then return {err = 'ERR ' .. tostring(answer)} end
  return answer.wrong_type and {'wrong_type', answer.wrong_type} or answer
end

for number = 1, REPORTS do
  take(number)
  local well, decoded = pcall(cjson.decode, REQUEST)
  requests[number] = well and decoded
end
local answers = {}
for number = 1, REPORTS do answers[number] = answer_to(number) end
write_counters(hour)
write_counters(day)
return answers
