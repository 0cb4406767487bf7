-- A token gate with a cache and two windows, as a careful user of nginx's Lua
-- module would write it: verified tokens in a cache of each worker, windows in
-- a shared dictionary.

local digest = require "openssl.digest"
local pkey   = require "openssl.pkey"
local cjson  = require "cjson.safe"
local lru    = require "resty.lrucache"

local Gate = {}
Gate.__index = Gate

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

function Gate.new(key_file, issuer, audience, limit)
  return setmetatable({
    key = pkey.new(read_file(key_file)), issuer = issuer,
    audience = audience, limit = limit, tokens = lru.new(20000),
  }, Gate)
end

local function decode(part)
  local text = part:gsub("-", "+"):gsub("_", "/")
  return ngx.decode_base64(text .. ("="):rep(-#text % 4))
end

-- The client and the expiry of a good token, else nil.
function Gate:verify(token)
  local head, body, sig = token:match("^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")
  if not head then return nil end
  local header = cjson.decode(decode(head) or "")
  if not header or header.alg ~= "RS256" then return nil end
  local hash = digest.new("sha256")
  hash:update(head .. "." .. body)
  if not self.key:verify(decode(sig) or "", hash) then return nil end
  local claims = cjson.decode(decode(body) or "")
  if not claims or claims.iss ~= self.issuer or claims.aud ~= self.audience then
    return nil
  end
  return { client = claims.client_id, exp = claims.exp }
end

-- Count into a window of so many seconds; what is left, and when it ends.
function Gate:count(client, seconds, now)
  local start = now - now % seconds
  local key = client .. ":" .. seconds .. ":" .. start
  local used = ngx.shared.windows:incr(key, 1, 0, seconds)
  return self.limit - (used or self.limit + 1), start + seconds
end

function Gate:pass()
  local token = (ngx.var.http_authorization or ""):match("^Bearer (.+)$")
  if not token then return ngx.exit(401) end
  local now = ngx.time()
  local known = self.tokens:get(token)
  if not known then
    known = self:verify(token)
    if not known then return ngx.exit(401) end
    self.tokens:set(token, known, known.exp - now)
  end
  if known.exp <= now then return ngx.exit(401) end
  local left_minute = self:count(known.client, 60, now)
  local left, reset = self:count(known.client, 3600, now)
  local header = ngx.header
  header["X-RateLimit-Limit"] = self.limit
  header["X-RateLimit-Remaining"] = left
  header["X-RateLimit-Reset"] = reset
  if left < 0 or left_minute < 0 then return ngx.exit(429) end
end

return Gate
