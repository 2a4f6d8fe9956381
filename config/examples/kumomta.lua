-- KumoMTA as the MTA that sends: reject suppressed recipients as they are injected.
-- Merge into /opt/kumomta/etc/policy/init.lua.

local kumo = require 'kumo'
local redis = require 'redis'

-- As bounced has it: redis.url and redis.prefix of bounced.toml, and the name of the list.
local SUPPRESSED = 'bounced:{main}:suppressed'
local function connection()
  return redis.open { node = 'redis://127.0.0.1:6379/0', pool_size = 10 }
end

-- Answers are kept for a few seconds, so that a campaign does not ask for the same address twice in a row.
local is_suppressed = kumo.memoize(function(address)
  return connection():query('SISMEMBER', SUPPRESSED, address) == 1
end, { name = 'bounced_suppressed', ttl = '5 seconds', capacity = 100000 })

local function check(msg)
  -- Lower case is bounced's form for lists with fold_local_part (the default) and domains in ASCII.
  local address = string.lower(tostring(msg:recipient()))
  -- Fail open: while Redis cannot be asked, mail goes out and its bounces come back.
  local ok, suppressed = pcall(is_suppressed, address)
  if ok and suppressed then
    kumo.reject(550, '5.7.1 recipient is on the suppression list')
  end
end

kumo.on('smtp_server_message_received', check)
kumo.on('http_message_generated', check)

-- The return path: make it with the list's key for each recipient (docs/return-path.md gives the recipe and test
-- vectors), and set it where messages are generated: msg:set_sender(path).

-- The same software gives the message List-Unsubscribe and the other header fields of docs/return-path.md.  DKIM has to cover
-- them: mailbox providers ignore them else.  In the signer:
--   kumo.dkim.rsa_sha256_signer { domain = ..., selector = ..., key = ..., headers = {
--     'From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version', 'Content-Type',
--     'List-Unsubscribe', 'List-Unsubscribe-Post', 'Feedback-ID', 'CFBL-Address', 'CFBL-Feedback-ID' } }
