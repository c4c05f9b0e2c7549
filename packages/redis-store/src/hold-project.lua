-- Holds a project: from now on nobody may vote on it before somebody has loaded it anew, with rows read after this.
-- A project that is not in Redis is held too, or a load under way could bring rows from before. Holding twice is fine;
-- the first token is then worth nothing.
--
-- KEYS
--   1 project   hash
--   2 loaded    zset, project id -> when it was loaded (us)
--
-- ARGV
--   1 project id  2 token: unique  3 reason: what watchers are told once it is loaded
--   4 1: its counters are not to be trusted, readers shall ask PostgreSQL
--
-- Returns { last event, now us }: the rows must be read after that event was applied.

local project = KEYS[1]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', project, 'held', ARGV[2], 'hold_reason', ARGV[3])
redis.call('HSETNX', project, 'version', '0')
if ARGV[4] == '1' then
  redis.call('HDEL', project, 'upvotes', 'downvotes')
end
redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1])
return { redis.call('HGET', project, 'last_event') or '0-0', now }
