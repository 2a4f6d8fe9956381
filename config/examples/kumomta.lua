-- KumoMTA as the MTA that sends: reject suppressed recipients as they are injected, and tell bounced what became of the
-- mail.  Merge into /opt/kumomta/etc/policy/init.lua.  Written after the documentation of version 2025.12.02.

local kumo = require 'kumo'
local redis = require 'redis'

-- 1. Suppressed recipients ------------------------------------------------------------------------------------------

-- As bounced has it: redis.url and redis.prefix of bounced.toml, and the name of the list.
local SUPPRESSED = 'bounced:{main}:suppressed'
local function connection()
  return redis.open { node = 'redis://127.0.0.1:6379/0', pool_size = 10 }
end

-- Answers are kept for a few seconds, so that a campaign does not ask for the same address twice in a row.
local is_suppressed = kumo.memoize(function(address)
  return connection():query('SISMEMBER', SUPPRESSED, address) == 1
end, { name = 'bounced_suppressed', ttl = '5 seconds', capacity = 100000 })

local function check(recipient)
  -- Lower case is bounced's form for lists with fold_local_part (the default) and domains in ASCII.
  local address = string.lower(tostring(recipient))
  -- Fail open: while Redis cannot be asked, mail goes out and its bounces come back.
  local ok, suppressed = pcall(is_suppressed, address)
  if ok and suppressed then
    kumo.reject(550, '5.7.1 recipient is on the suppression list')
  end
end

-- At RCPT, because there each recipient is refused by itself.  At the end of the message one suppressed recipient would
-- refuse the message for all others, and with batch_handling = 'BatchByDomain' message:recipient is a list there.
kumo.on('smtp_server_rcpt_to', check)

-- A message that came by HTTP has one recipient.
kumo.on('http_message_generated', function(msg)
  check(msg:recipient())
end)

-- 2. Return path and header fields ----------------------------------------------------------------------------------

-- The return path: make it with the list's key for each recipient (docs/return-path.md gives the recipe and test
-- vectors), and set it where messages are generated: msg:set_sender(path).  It names one recipient.  So mail with return
-- paths needs batch_handling = 'BifurcateAlways' (the default), or a transaction for each recipient: of a batch with one
-- envelope sender only the recipient that the path was made for is ever known.

-- The same software gives the message List-Unsubscribe and the other header fields of docs/return-path.md.  A complaint names
-- its path by List-Unsubscribe and CFBL-Feedback-ID.  DKIM has to cover them: mailbox providers ignore them else.  In the signer:
--   kumo.dkim.rsa_sha256_signer { domain = ..., selector = ..., key = ..., headers = {
--     'From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version', 'Content-Type',
--     'List-Unsubscribe', 'List-Unsubscribe-Post', 'Feedback-ID', 'CFBL-Address', 'CFBL-Feedback-ID' } }

-- 3. What became of the mail ----------------------------------------------------------------------------------------

-- KumoMTA logs a refusal and mails nobody.  Take one of these ways.  Whoever takes two has each failure once, by its
-- return path.

-- A. bounced follows the logs: in the init event, kumo.configure_local_logs { log_dir = '/var/log/kumomta' }, and
--    `bounced follow kumomta /var/log/kumomta` (docs/follow.md).  For one machine, and nothing is lost while bounced is away.
--    max_segment_duration = '10 seconds' shows a record after ten seconds.

-- B. KumoMTA posts its records to `bounced web` (docs/hooks.md): for several machines.  A record waits in KumoMTA's queue
--    until bounced has taken it.
local HOOK = 'https://mail.example.com/hooks/kumomta/main'
local SECRET_FILE = '/opt/kumomta/etc/bounced-secret' -- the secret of lists.main.hooks.kumomta, without a line end

local function post(message, client)
  local secret = kumo.secrets.load(SECRET_FILE)
  local response = client
    :post(HOOK)
    :header('Content-Type', 'application/json')
    :header('Authorization', 'Bearer ' .. secret)
    :body(message:get_data())
    :send()
  if response:status_is_success() then
    return 'taken'
  end
  -- 400 is KumoMTA's "try again".  With 500 the record would be gone.
  kumo.reject(400, 'bounced answered ' .. response:status_code())
end

local log_hooks = require 'policy-extras.log_hooks'
log_hooks:new {
  name = 'bounced',
  log_parameters = {
    headers = { 'X-Bounced-Path' }, -- only where the envelope sender cannot be the return path
    per_record = { Reception = { enable = false }, TransientFailure = { enable = false } },
  },
  constructor = function()
    local connection, client = {}, kumo.http.build_client {}
    function connection:send(message)
      return post(message, client)
    end
    return connection
  end,
}

-- C. KumoMTA writes the bounce itself (RFC 3464, since 2025.10.06) and sends it to the return path, as Postfix and Exim
--    do.  No web application and no logs are needed.  bounced learns of no deliveries, and each bounce is a message.
--    In the init event: kumo.configure_log_disposition_hook { name = 'bounced' }
kumo.on('log_disposition_bounced', function(msg, record)
  local bounce = kumo.generate_rfc3464_message({
    include_original_message = 'HeadersOnly',
    enable_bounce = true,
    enable_expiration = true,
    reporting_mta = { mta_type = 'dns', name = 'mta1.example.com' },
  }, msg, record)
  if bounce then
    kumo.inject_message(bounce)
  end
end)
