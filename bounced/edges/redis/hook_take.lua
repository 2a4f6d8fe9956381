#!lua
-- Reads the streams of a webhook on: entries that it has not had, or those that it has had and not settled.
--
-- Both streams of a list are read to the same moment, so that no entry comes later that belongs before what was read.
-- Where one of them has more than fits, what the other has beyond the end of that page waits.  The group is made where
-- it is missing: at the end of a stream for a new webhook, else where the webhook had come to.  So many entries as were
-- added and are neither counted as read nor there any more have been trimmed before they were read.
--
-- KEYS  1 hook  2 events  3 bulk  4 again
-- ARGV  1 group  2 consumer  3 how many of each  4 the time as it is stored
--       5 'new', or 'pending' with 6 7 8 the ids behind which to read on, of events, bulk, again
-- answer: how many were trimmed, entries of events, of bulk, of again; {id, {field, value, ...}} each, and without
--         fields where a pending entry is gone

local call = redis.call
local hook, group, consumer, most, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local names = {false, 'events', 'bulk', 'again'}

local function named(flat)
  local found = {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end

local function parts(id)
  local milliseconds, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(milliseconds), tonumber(number)
end

local function before(one, other)
  local milliseconds, number = parts(one)
  local of_other, its_number = parts(other)
  return milliseconds < of_other or (milliseconds == of_other and number < its_number)
end

-- Returns the id of the last entry that the group of a stream was given.
local function last_given(at)
  local key, name = KEYS[at], names[at]
  local groups = redis.pcall('XINFO', 'GROUPS', key)
  if not groups.err then
    for _, flat in ipairs(groups) do
      local about = named(flat)
      if about.name == group then return about['last-delivered-id'] end
    end
  end
  local reached = call('HGET', hook, 'reached:' .. name)
  call('XGROUP', 'CREATE', key, group, reached or (name == 'again' and '0' or '$'), 'MKSTREAM')
  if reached then return reached end
  if name == 'again' then return '0-0' end
  local about = named(call('XINFO', 'STREAM', key))
  call('HSET', hook, 'reached:' .. name, about['last-generated-id'], 'counted:' .. name, about['entries-added'])
  return about['last-generated-id']
end

local function give(at, count, from)
  if count == 0 then return {} end
  local read = call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', KEYS[at], from)
  return read and read[1][2] or {}
end

local last = {}
for at = 2, 4 do last[at] = last_given(at) end
if ARGV[5] == 'pending' then
  return {0, give(2, most, ARGV[6]), give(3, most, ARGV[7]), give(4, most, ARGV[8])}
end

local trimmed, counted, added, newest = 0, {}, {}, {}
for at = 2, 3 do
  local about = named(call('XINFO', 'STREAM', KEYS[at]))
  added[at], newest[at] = about['entries-added'], about['last-generated-id']
  counted[at] = tonumber(call('HGET', hook, 'counted:' .. names[at]) or added[at])
  local first = about['first-entry'] and about['first-entry'][1] or newest[at]
  if before(last[at], first) then
    local lost = added[at] - counted[at] - about.length
    if lost > 0 then
      trimmed, counted[at] = trimmed + lost, counted[at] + lost
    end
  end
end
if trimmed > 0 then
  call('HINCRBY', hook, 'trimmed', trimmed)
  call('HSET', hook, 'trimmed_at', now)
end

-- The place of an entry among both streams: of one millisecond those of `bulk` come first.
local function place(at, id) return 2 * parts(id) + (at == 2 and 1 or 0) end

local pages, last_place = {}, math.huge
for at = 2, 3 do
  pages[at] = call('XRANGE', KEYS[at], '(' .. last[at], '+', 'COUNT', most)
  if #pages[at] == most then last_place = math.min(last_place, place(at, pages[at][most][1])) end
end

local given = {}
for at = 2, 3 do
  local count = 0
  while count < #pages[at] and place(at, pages[at][count + 1][1]) <= last_place do count = count + 1 end
  given[at] = give(at, count, '>')
  if count > 0 or trimmed > 0 then
    local reached = count > 0 and pages[at][count][1] or last[at]
    local so_far = reached == newest[at] and added[at] or counted[at] + count
    call('HSET', hook, 'reached:' .. names[at], reached, 'counted:' .. names[at], so_far)
  end
end
return {trimmed, given[2], given[3], give(4, most, '>')}
