#!lua
-- Reads the intake stream of a list, or takes over what consumers left; the group is made where it is missing.
--
-- KEYS  1 intake
-- ARGV  1 group  2 consumer  3 how many  4 'new', or milliseconds that an entry has been left for
-- answer: entries, {id, {field, value, ...}} each

local FORGET_CONSUMER_MS = 3600000

local stream, group, consumer, limit = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local call = redis.call

local function read()
  if ARGV[4] == 'new' then
    return redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', limit, 'STREAMS', stream, '>')
  end
  return redis.pcall('XAUTOCLAIM', stream, group, consumer, ARGV[4], '0-0', 'COUNT', limit)
end

-- Deletes consumers that have nothing pending and were silent for an hour.  One that comes back is made anew as it reads.
local function forget_consumers()
  for _, facts in ipairs(call('XINFO', 'CONSUMERS', stream, group)) do
    local about = {}
    for i = 1, #facts, 2 do about[facts[i]] = facts[i + 1] end
    if about.name ~= consumer and about.pending == 0 and about.idle > FORGET_CONSUMER_MS then
      call('XGROUP', 'DELCONSUMER', stream, group, about.name)
    end
  end
end

local found = read()
if type(found) == 'table' and found.err then
  call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  found = read()
end
if not found then return {} end
if ARGV[4] == 'new' then return found[1][2] end
forget_consumers()
return found[2]
