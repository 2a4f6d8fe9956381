#!lua flags=no-writes
-- Says which keys may hold one of several texts, in their names or anywhere in their values, in any letter case.
--
-- KEYS  keys of one list, of any type; the sets of all addresses and the streams are left out
-- ARGV  texts, in lower case
-- answer: the places of those keys among KEYS

local call = redis.call

local function holds(value)
  value = string.lower(value)
  for _, text in ipairs(ARGV) do
    if string.find(value, text, 1, true) then return true end
  end
  return false
end

local function values(key)
  local type = call('TYPE', key).ok
  if type == 'hash' then return call('HGETALL', key) end
  if type == 'list' then return call('LRANGE', key, 0, -1) end
  if type == 'zset' then return call('ZRANGE', key, 0, -1) end
  if type == 'set' then return call('SMEMBERS', key) end
  return {}
end

local function found(key)
  if holds(key) then return true end
  for _, value in ipairs(values(key)) do
    if holds(value) then return true end
  end
  return false
end

local answer = {}
for place, key in ipairs(KEYS) do
  if found(key) then answer[#answer + 1] = place end
end
return answer
