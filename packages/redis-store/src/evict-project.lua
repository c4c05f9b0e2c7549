-- Takes a quiet project out of Redis, when PostgreSQL knows all of it.
--
-- A project that must stay is looked at again later, so that the oldest ones never fill the page for ever. One that is held is
-- put on the list of those to be reloaded.
--
-- KEYS (of one shard)
--   1 project  hash
--   2 votes    prefix; the period is appended
--   3 loaded   zset, project id -> when it was loaded, was last seen in use, or shall be looked at again (us)
--   4 changed  zset, project id -> version
--   5 reload   zset, project id -> when any replica may reload it (us)
--
-- ARGV
--   1 project id  2 the shard's last applied entry  3 us: a project that changed after this stays
--   4 1 when votes of it are parked or not recovered, else empty  5 us: one that stays is looked at again after so long
--
-- Returns evicted | gone | held | waiting (see ARGV 4) | busy | behind (its last event is not applied) |
-- unchecked (not yet compared)

--- include entry-order

local project, votes_of_periods, loaded, changed, reload = unpack(KEYS)
local state = redis.call('HMGET', project, 'version', 'last_event', 'held', 'period')
local version, last_event = tonumber(state[1]), state[2]

local function stays(why)
  redis.call('ZADD', loaded, 'XX', 'GT', string.format('%.0f', ARGV[3] + ARGV[5]), ARGV[1])
  return why
end

if not version then
  redis.call('ZREM', loaded, ARGV[1])
  return 'gone'
end
if state[3] then
  local time = redis.call('TIME')
  redis.call('ZADD', reload, 'NX', string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[1])
  return stays('held')
end
if ARGV[4] == '1' then
  return stays('waiting')
end
if version > tonumber(ARGV[3]) then
  -- Looked at again when it may have gone quiet.
  redis.call('ZADD', loaded, string.format('%.0f', version), ARGV[1])
  return 'busy'
end
if last_event and is_after(last_event, ARGV[2]) then
  return stays('behind')
end
if redis.call('ZSCORE', changed, ARGV[1]) then
  return stays('unchecked')
end
redis.call('DEL', project, votes_of_periods .. state[4])
redis.call('ZREM', loaded, ARGV[1])
return 'evicted'
