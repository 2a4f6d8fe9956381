#!lua
-- bounced bulk, version 1: writes many states of a list at once, each only where nobody changed it meanwhile.
--
-- KEYS  1 suppressed  2 due  3... the address of each item
-- ARGV  1 items, JSON: address (as in keys), version (that was decided upon), state (flat list of fields),
--         due (unix time; 0: not)
-- answer: for each item 1 where it was written, else the present fields of the state as a flat list

local items, call = cjson.decode(ARGV[1]), redis.call
local answer = {}
for number, item in ipairs(items) do
  local key = KEYS[number + 2]
  if tonumber(call('HGET', key, 'version') or 0) ~= item.version then
    answer[number] = call('HGETALL', key)
  else
    call('DEL', key)
    call('HSET', key, unpack(item.state))
    call('SADD', KEYS[1], item.address)
    if item.due > 0 then
      call('ZADD', KEYS[2], item.due, item.address)
    else
      call('ZREM', KEYS[2], item.address)
    end
    answer[number] = 1
  end
end
return answer
