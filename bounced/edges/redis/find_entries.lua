#!lua flags=no-writes
-- Reads on in a stream, and answers the entries that may hold one of several texts, in any letter case.
--
-- KEYS  1 stream
-- ARGV  1 where to begin, as in XRANGE  2 how many to look at  3 and on: texts, in lower case ('': any entry)
-- answer: the id of the last entry looked at ('' where there was none), then {id, {field, value, ...}} each

local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])

local function holds(values)
  for _, value in ipairs(values) do
    value = string.lower(value)
    for i = 3, #ARGV do
      if string.find(value, ARGV[i], 1, true) then return true end
    end
  end
  return false
end

local answer = {#entries > 0 and entries[#entries][1] or ''}
for _, entry in ipairs(entries) do
  if holds(entry[2]) then answer[#answer + 1] = entry end
end
return answer
