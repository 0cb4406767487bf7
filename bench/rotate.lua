-- Sends prepared requests in turn and prints one line of JSON at the end.
--
--   wrk ... -s rotate.lua URL -- METHOD PATHS TOKENS [BODIES]
--
-- The files hold one path, token or body a line; each list is gone through by
-- itself, so the lists' lengths need not match. "-" is no list.

local thread_count = 0

function setup(thread)
  thread:set("number", thread_count)
  thread_count = thread_count + 1
end

local function lines(name)
  local list = {}
  if name and name ~= "-" then
    for line in io.lines(name) do list[#list + 1] = line end
  end
  return list
end

local function least_common(a, b)
  local x, y = a, b
  while y > 0 do x, y = y, x % y end
  return a / x * b
end

function init(args)
  local method, paths = args[1], lines(args[2])
  local tokens, bodies = lines(args[3]), lines(args[4])
  local count = #paths
  if #tokens > 0 then count = least_common(count, #tokens) end
  if #bodies > 0 then count = least_common(count, #bodies) end
  requests = {}
  for i = 0, count - 1 do
    local headers = { ["Content-Type"] = #bodies > 0 and "application/fhir+json" or nil }
    if #tokens > 0 then headers["Authorization"] = "Bearer " .. tokens[i % #tokens + 1] end
    requests[i + 1] = wrk.format(method, paths[i % #paths + 1], headers,
      #bodies > 0 and bodies[i % #bodies + 1] or nil)
  end
  at = math.floor(number * count / 2)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"us":%d,"bytes":%d,"status":%d,"socket":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration, summary.bytes, e.status,
    e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
