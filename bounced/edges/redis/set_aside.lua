#!lua
-- Moves an entry of the intake stream that nobody understood to those that failed, once.
--
-- KEYS  1 intake  2 intake-failed
-- ARGV  1 group  2 id of the entry  3 most entries to keep  4 and on: fields and values
-- answer: 1 where it was moved, 0 where it was gone

if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, 4))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
