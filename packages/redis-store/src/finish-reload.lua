-- Takes a project off the list of those to be reloaded, once nobody has to load it any more.
--
-- KEYS (of one shard)
--   1 project  hash
--   2 votes    prefix; the period is appended
--   3 loaded   zset, project id -> when it was loaded (us)
--   4 reload   zset, project id -> when any replica may reload it (us)
--
-- ARGV
--   1 project id
--   2 token the project was held with when PostgreSQL said that there is no such project; else empty
--   3 us: a project that is still held is tried again after so long
--
-- Returns loaded | held (it stays on the list) | gone (it has left Redis: there is nothing to load).

local project, votes_of_periods, loaded, reload = unpack(KEYS)
local held, period = unpack(redis.call('HMGET', project, 'held', 'period'))
if not held then
  redis.call('ZREM', reload, ARGV[1])
  return 'loaded'
end
-- Held anew since, it may exist by now.
if held == ARGV[2] then
  redis.call('DEL', project, votes_of_periods .. (period or '0'))
  redis.call('ZREM', loaded, ARGV[1])
  redis.call('ZREM', reload, ARGV[1])
  return 'gone'
end
local time = redis.call('TIME')
redis.call('ZADD', reload, string.format('%.0f', time[1] * 1000000 + time[2] + ARGV[3]), ARGV[1])
return 'held'
