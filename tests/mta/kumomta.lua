-- Runs config/examples/kumomta.lua with stand-ins for KumoMTA's modules, and prints what its handlers do.
local on, hook, answer, failing = {}, nil, 200, false
local kumo = {
  on = function(name, handler) on[name] = handler end,
  memoize = function(ask) return ask end,
  reject = function(code, text) error(code .. ' ' .. text, 0) end,
  secrets = { load = function() return 'example' end },
  http = {
    build_client = function()
      local request = {}
      for _, name in ipairs { 'post', 'header', 'body' } do
        request[name] = function(self) return self end
      end
      function request:send()
        return {
          status_is_success = function() return answer == 200 end,
          status_code = function() return answer end,
        }
      end
      return request
    end,
  },
}
package.preload['kumo'] = function() return kumo end
package.preload['redis'] = function()
  return {
    open = function()
      return {
        query = function(_, command, key, address)
          if failing then error 'connection refused' end
          return command == 'SISMEMBER' and key == 'bounced:{main}:suppressed' and address == 'alice@example.org' and 1 or 0
        end,
      }
    end,
  }
end
package.preload['policy-extras.log_hooks'] = function()
  return { new = function(_, settings) hook = settings end }
end
dofile(arg[1])

local function result(handler, ...)
  local ok, said = pcall(handler, ...)
  print(ok and (said or 'taken') or said)
end
local message = {
  recipient = function() return 'Alice@Example.org' end,
  get_data = function() return '{}' end,
}
result(on.smtp_server_rcpt_to, 'Alice@Example.org')
result(on.smtp_server_rcpt_to, 'bob@example.org')
result(on.http_message_generated, message)
failing = true
result(on.smtp_server_rcpt_to, 'alice@example.org')
local connection = hook.constructor()
result(connection.send, connection, message)
answer = 503
result(connection.send, connection, message)
