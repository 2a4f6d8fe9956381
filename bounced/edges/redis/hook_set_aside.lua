#!lua
-- Moves an event that a receiver did not take in its time to those that were not delivered, once.
--
-- KEYS  1 hook  2 its stream  3 undelivered  4 hook-failing
-- ARGV  1 group  2 id of the entry  3 its name among the failing  4 most entries to keep  5 the time as it is stored
--       6 and on: fields and values
-- answer: 1 where it was moved, 0 where it was settled already

if redis.call('XACK', KEYS[2], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, 6))
if string.sub(ARGV[3], 1, 6) == 'again:' then redis.call('XDEL', KEYS[2], ARGV[2]) end
redis.call('HDEL', KEYS[4], ARGV[3])
redis.call('HINCRBY', KEYS[1], 'set_aside', 1)
redis.call('HSET', KEYS[1], 'set_aside_at', ARGV[5])
return 1
