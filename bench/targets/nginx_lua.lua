-- A redirect in one round trip to Redis, which reads the link's target and counts its click.
local redis = require "nginx.redis" -- where Debian puts lua-resty-redis

local TIMEOUT_MS = 1000
local IDLE_MS = 60000
local POOLED = 256 -- more than there are clients at once: no request has to connect

return function(redis_port, padding)
    return function()
        local code = ngx.var.uri:sub(2)
        local client = redis:new()
        client:set_timeout(TIMEOUT_MS)
        if not client:connect("127.0.0.1", redis_port) then
            return ngx.exit(503)
        end
        -- Unknown codes are counted as well: to know first would take a second round trip.
        client:init_pipeline(2)
        client:get("link:" .. code)
        client:incr("clicks:" .. code)
        local answers = client:commit_pipeline()
        if not answers then
            return ngx.exit(503)
        end
        client:set_keepalive(IDLE_MS, POOLED)
        local target = answers[1]
        if target == ngx.null then
            return ngx.exit(404)
        end
        ngx.status = 302
        ngx.header["Location"] = target
        ngx.header["X-Padding"] = padding
        ngx.header["Content-Length"] = 0 -- else it would be chunked
        return ngx.exit(ngx.OK)
    end
end
