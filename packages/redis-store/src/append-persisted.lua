-- Appends votes that the fallback took, each once however often this is called.
--
-- KEYS (of one shard)
--   1 events     stream
--   2 recovered  zset, request id -> when its event was appended (us)
--
-- ARGV
--   1 seconds to remember a request
--   2.. request id, event, request id, event, ...
--
-- Returns how many were appended.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local appended = 0
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.0f', now - tonumber(ARGV[1]) * 1000000))
for i = 2, #ARGV, 2 do
  if redis.call('ZADD', KEYS[2], 'NX', string.format('%.0f', now), ARGV[i]) == 1 then
    redis.call('XADD', KEYS[1], '*', 'e', ARGV[i + 1])
    appended = appended + 1
  end
end
return appended
