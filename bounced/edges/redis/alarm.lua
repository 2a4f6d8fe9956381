#!lua
-- Replaces one alarm by another, or by none, and tells so, unless somebody else has replaced it meanwhile.
--
-- KEYS  1 alarms  2 events
-- ARGV  1 scope  2 alarm that stands ('': none)  3 alarm to come (likewise)  4 most events to keep
--       5 and on: fields and values of the event, if any
-- answer: 1 where it was replaced, 0 where another stands

if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[5] then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, 5)) end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
