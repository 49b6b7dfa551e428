-- Stands in for KumoMTA: takes the hook that examples/kumomta.lua registers, sends one record through
-- it, and prints what was requested, and what the hook made of the answer. Arguments: the example, and
-- the status of the answer.

local hook, request, verdict = nil, {}, 'accepted'

local client = {}
function client:post(url) request.url = url; return self end
function client:header(name, value) request[name] = value; return self end
function client:body(data) request.body = data; return self end
function client:close() end
function client:send()
  local status = tonumber(arg[2])
  return {
    status_code = function() return status end,
    status_reason = function() return 'Reason' end,
    status_is_success = function() return status >= 200 and status < 300 end,
  }
end

package.preload['kumo'] = function()
  return {
    http = { build_client = function() return client end },
    secrets = { load = function(path) return 'secret-of-' .. path:match('[^/]+$') .. '\n' end },
    reject = function(code, text) error({ code = code, text = text }) end,
  }
end
package.preload['policy-extras.log_hooks'] = function()
  return { new = function(self, options) hook = options end }
end

dofile(arg[1])

local connection = hook.constructor('bounceledger.log_hook', '', '')
local ok, problem = pcall(function()
  return connection:send { get_data = function() return '{"type":"Bounce"}' end }
end)
if not ok then
  assert(type(problem) == 'table', problem)
  verdict = tostring(problem.code)
end
connection:close()

local kinds = {}
for kind, parameters in pairs(hook.log_parameters.per_record) do
  if parameters.enable then kinds[#kinds + 1] = kind end
end
table.sort(kinds)
print(request.url)
print(request['Authorization'])
print(request['Content-Type'])
print(request.body)
print(verdict)
print(table.concat(kinds, ' '))
print(table.concat(hook.log_parameters.meta, ' '))
