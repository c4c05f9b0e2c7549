-- Puts a project into Redis as PostgreSQL has it, unless somebody else was faster: whoever loads second changes nothing.
--
-- KEYS (all of one shard)
--   1 project   hash
--   2 votes     hash of the project's current period
--   3 events    stream
--   4 loaded    zset, project id -> when it was loaded (us)
--   5 changed   zset, project id -> version
--   6 applied   string, see mark-applied.lua
--   7 fallback votes  string: how many votes of the fallback PostgreSQL is known to have
--
-- ARGV
--   1 project id
--   2 token: what the project was held with, empty when it was not in Redis. Another one, and the rows may be too old
--   3 deadline: us of this server's clock; later, a project may have been loaded, voted on and dropped since
--   4 upvotes  5 downvotes  6 version  7 period
--   8 voters: complete (everybody with a vote follows) | partial (ask PostgreSQL for who is missing)
--   9 generation: unique to this load
--   10 opens at  11 closes at: us, empty where there is none: a period ends then
--   12 1 when only up-votes are taken, else empty
--   13 id of the board it is on, else empty
--   14 watermark of the shard when the rows were read, empty when nobody asked
--   15 how many votes of the fallback the shard had when the rows were read, empty when nobody asked
--   16 what else PostgreSQL says of the project, JSON: enough to make its row again
--   17.. user id, vote, user id, vote, ...
--
-- Returns 1 when it loaded, 0 when it did not, -1 when the rows are older than what PostgreSQL is known to have applied: they
-- were read a moment too early, or PostgreSQL went back in time, and what stands here is newer.

--- include entry-order

local project, votes, events, loaded, changed, applied, fallback_votes = unpack(KEYS)

-- See cast-vote.lua.
local function whole(number)
  return string.format('%.0f', number)
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = redis.call('HMGET', project, 'held', 'version', 'hold_reason', 'last_event')
local held, version, reason, last_event = state[1] or '', tonumber(state[2]), state[3] or '', state[4]
if held ~= ARGV[2] or (version and held == '') or now > tonumber(ARGV[3]) then
  return 0
end
-- What is loaded is of this watermark, so Redis knows that PostgreSQL had it.
if ARGV[14] ~= '' then
  local known = redis.call('GET', applied)
  if known and is_after(known, ARGV[14]) then
    return -1
  elseif ARGV[14] ~= '0-0' and ARGV[14] ~= known then
    redis.call('SET', applied, ARGV[14])
  end
end
if ARGV[15] ~= '' then
  local known_votes, row_votes = tonumber(redis.call('GET', fallback_votes) or '0'), tonumber(ARGV[15])
  if known_votes > row_votes then
    return -1
  elseif row_votes > known_votes then
    redis.call('SET', fallback_votes, ARGV[15])
  end
end

redis.call('DEL', votes)
-- Lua's stack bounds how many values one call may take.
local VALUES_PER_CALL = 4000
for first = 17, #ARGV, VALUES_PER_CALL do
  redis.call('HSET', votes, unpack(ARGV, first, math.min(first + VALUES_PER_CALL - 1, #ARGV)))
end

local new_version = math.max(tonumber(ARGV[6]), version or 0)
if reason ~= '' then
  -- What watchers were told may be wrong: a newer version, and an event that tells it.
  new_version = math.max(new_version + 1, now)
  last_event = redis.call('XADD', events, '*', 'e', table.concat({
    '1', 'counts', ARGV[1], ARGV[7], whole(new_version), ARGV[4], ARGV[5], reason, whole(now),
  }, '\n'))
  redis.call('ZADD', changed, whole(new_version), ARGV[1])
end
redis.call('DEL', project)
redis.call('HSET', project, 'upvotes', ARGV[4], 'downvotes', ARGV[5], 'version', whole(new_version), 'period', ARGV[7],
  'voters', ARGV[8], 'generation', ARGV[9], 'about', ARGV[16])
if ARGV[10] ~= '' then
  redis.call('HSET', project, 'opens_at', ARGV[10])
end
if ARGV[11] ~= '' then
  redis.call('HSET', project, 'closes_at', ARGV[11])
end
if ARGV[12] ~= '' then
  redis.call('HSET', project, 'up_only', ARGV[12])
end
if ARGV[13] ~= '' then
  redis.call('HSET', project, 'board', ARGV[13])
end
if last_event then
  redis.call('HSET', project, 'last_event', last_event)
end
redis.call('ZADD', loaded, whole(now), ARGV[1])
return 1
