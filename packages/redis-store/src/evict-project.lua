-- Takes a quiet project out of Redis, when PostgreSQL knows all of it.
--
-- KEYS (of one shard)
--   1 project  hash
--   2 votes    prefix; the period is appended
--   3 loaded   zset, project id -> when it was loaded, or was last seen in use (us)
--   4 changed  zset, project id -> version
--
-- ARGV
--   1 project id  2 the shard's last applied entry  3 us: a project that changed after this stays
--
-- Returns evicted | gone | held | busy | behind (its last event is not applied) | unchecked (not yet compared)

local project, votes_of_periods, loaded, changed = unpack(KEYS)
local state = redis.call('HMGET', project, 'version', 'last_event', 'held', 'period')
local version, last_event = tonumber(state[1]), state[2]

-- Whether stream id a comes after b.
local function after(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  return a_ms > b_ms or (a_ms == b_ms and tonumber(a_seq) > tonumber(b_seq))
end

if not version then
  redis.call('ZREM', loaded, ARGV[1])
  return 'gone'
end
if state[3] then
  return 'held'
end
if version > tonumber(ARGV[3]) then
  -- Looked at again when it may have gone quiet.
  redis.call('ZADD', loaded, string.format('%.0f', version), ARGV[1])
  return 'busy'
end
if last_event and after(last_event, ARGV[2]) then
  return 'behind'
end
if redis.call('ZSCORE', changed, ARGV[1]) then
  return 'unchecked'
end
redis.call('DEL', project, votes_of_periods .. state[4])
redis.call('ZREM', loaded, ARGV[1])
return 'evicted'
