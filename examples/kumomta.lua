-- Posts what becomes of each message to bounceledger. Load it from init.lua, at the top level:
--
--   dofile '/opt/kumomta/etc/policy/bounceledger.lua'
--
-- and, in your own handlers of smtp_server_message_received and http_message_generated, keep the
-- headers that name the lead source:
--
--   msg:import_x_headers { 'x-lead-source', 'x-lead-date' }

local kumo = require 'kumo'
local log_hooks = require 'policy-extras.log_hooks'

local URL = 'https://<api>/live/v1/webhooks/kumomta'
local SECRET = '/opt/kumomta/etc/bounceledger.secret'

log_hooks:new {
  name = 'bounceledger',
  log_parameters = {
    meta = { 'x_lead_source', 'x_lead_date' },
    per_record = {
      Bounce = { enable = true },
      Delivery = { enable = true },
      Expiration = { enable = true },
      TransientFailure = { enable = true },
      -- OOB and Feedback are made of reports that anybody can mail: see docs/providers/kumomta.md.
      Any = { enable = false },
    },
  },
  constructor = function(domain, tenant, campaign)
    local connection = {}
    local client = kumo.http.build_client {}
    local secret = kumo.secrets.load(SECRET):gsub('%s+$', '')

    function connection:send(message)
      local response = client
        :post(URL)
        :header('Content-Type', 'application/json')
        :header('Authorization', 'Bearer ' .. secret)
        :body(message:get_data())
        :send()

      local status = response:status_code()
      local disposition = string.format('%d %s', status, response:status_reason())
      if response:status_is_success() then
        return disposition
      end
      -- A record that cannot be read stays so. Anything else is tried again, as mail is.
      if status == 400 or status == 413 then
        kumo.reject(500, disposition)
      end
      kumo.reject(400, disposition)
    end

    function connection:close()
      client:close()
    end

    return connection
  end,
}
