#!lua
-- Moves some of the events that were not delivered to those that are delivered again.
--
-- KEYS  1 undelivered  2 again
-- ARGV  1 how many
-- answer: how many were moved

local found = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])
for _, entry in ipairs(found) do
  redis.call('XADD', KEYS[2], '*', unpack(entry[2]))
  redis.call('XDEL', KEYS[1], entry[1])
end
return #found
