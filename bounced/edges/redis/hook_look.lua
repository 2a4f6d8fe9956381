#!lua flags=no-writes
-- Says how a webhook stands in a list.
--
-- KEYS  1 hook  2 lease  3 undelivered  4 again  5 events  6 bulk
-- ARGV  1 group
-- answer: the fields of the hash; who holds the lease, or ''; how many events are kept; how many are sent again; then
--         of `events` and of `bulk`: how many entries were ever added, how many are read and not settled, the id of
--         the first that was not read, and that of the first that is not settled, each '' for none

local call = redis.call
local hook, group = KEYS[1], ARGV[1]

local function stream(key, name)
  local found = redis.pcall('XINFO', 'STREAM', key)
  if found.err then return {0, 0, '', ''} end
  local added = 0
  for i = 1, #found, 2 do
    if found[i] == 'entries-added' then added = found[i + 1] end
  end
  local reached = call('HGET', hook, 'reached:' .. name)
  local unread = reached and call('XRANGE', key, '(' .. reached, '+', 'COUNT', 1)[1]
  local pending = redis.pcall('XPENDING', key, group)
  if pending.err then pending = {0} end
  return {added, pending[1], unread and unread[1] or '', pending[2] or ''}
end

return {
  call('HGETALL', hook), call('GET', KEYS[2]) or '', call('XLEN', KEYS[3]), call('XLEN', KEYS[4]),
  stream(KEYS[5], 'events'), stream(KEYS[6], 'bulk'),
}
