-- Holds a project whose key holds something that is no hash: what is there is dropped, and the project is read anew. With it the
-- project's last event is lost, so the rows count only once the whole shard is applied up to now.
--
-- KEYS
--   1 project   of any type
--   2 loaded    zset, project id -> when it was loaded (us)
--   3 events    stream
--   4 reload    zset, project id -> when any replica may reload it (us)
--
-- ARGV
--   1 project id  2 token: unique  3 reason: what watchers are told once it is loaded
--   4 us: whoever holds a project has so long to load it, then any replica may
--
-- Returns { last event, now us }: rows must be read after that event was applied.

local project = KEYS[1]
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = string.format('%.0f', now_us)
if redis.call('TYPE', project).ok ~= 'hash' then
  local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  redis.call('DEL', project)
  -- Loading makes the version newer than any that was told: it is the time.
  redis.call('HSET', project, 'version', '0', 'last_event', newest and newest[1] or '0-0')
end
redis.call('HSET', project, 'held', ARGV[2], 'hold_reason', ARGV[3])
redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1])
redis.call('ZADD', KEYS[4], 'NX', string.format('%.0f', now_us + tonumber(ARGV[4])), ARGV[1])
return { redis.call('HGET', project, 'last_event') or '0-0', now }
