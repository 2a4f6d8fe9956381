#!lua
-- Notes that a domain or a provider is disputed, and tells so, once for each dispute.
--
-- KEYS  1 disputed  2 events
-- ARGV  1 domain or provider:NAME  2 now (unix time)  3 until (likewise)  4 most events to keep  5 and on: fields and values of the event
-- answer: 1 where it is new, 0 where it was disputed already

local until_ = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if until_ > tonumber(ARGV[2]) then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, 5))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
