-- Holds projects of a shard: from now on nobody may vote on them before somebody has loaded them anew, with rows read after
-- this. A project that is not in Redis is held too, or a load under way could bring rows from before.
--
-- A hold gets a new token, and the earlier token is then worth nothing: its rows may be too old. The exception is a hold
-- for marks in PostgreSQL (votes of the fallback, pending reloads): where the earlier hold was made after the same marks
-- were written, its token is kept. So two replicas that hold the same project do not invalidate each other's loads for ever.
--
-- A held project is also put on the list of those to be reloaded: any replica loads what its holder never did.
--
-- KEYS (of one shard)
--   1 project  prefix; the project id is appended: hash
--   2 loaded   zset, project id -> when it was loaded (us)
--   3 reload   zset, project id -> when any replica may reload it (us)
--
-- ARGV
--   1 reason: what watchers are told once it is loaded
--   2 1: its counters are not to be trusted, readers shall ask PostgreSQL
--   3 us: whoever holds a project has so long to load it, then any replica may
--   4.. per project: its id, a unique token, and version of the newest vote of the fallback and id of the newest pending reload
--     that were written before this call; both empty: no earlier token is kept
--
-- Returns { now us, last event, token, last event, token, ... }: rows must be read after that event was applied.

local reason, forget_counts, holder_loads = ARGV[1], ARGV[2] == '1', ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_text, reload_at = string.format('%.0f', now), string.format('%.0f', now + holder_loads)

-- Whether the project is held by somebody who has seen all marks that this call knows of.
local function is_covered(state, votes, reloads)
  local held, hold_votes, hold_reloads = unpack(state)
  if votes == '' or not (held and hold_votes and hold_reloads) then
    return false
  end
  return tonumber(hold_votes) >= tonumber(votes) and tonumber(hold_reloads) >= tonumber(reloads)
end

local function hold(project_id, token, votes, reloads)
  local project = KEYS[1] .. project_id
  local state = redis.call('HMGET', project, 'held', 'hold_votes', 'hold_reloads', 'last_event')
  if is_covered(state, votes, reloads) then
    token = state[1]
  else
    redis.call('HSET', project, 'held', token, 'hold_reason', reason)
    redis.call('HSETNX', project, 'version', '0')
    if votes ~= '' then
      redis.call('HSET', project, 'hold_votes', votes, 'hold_reloads', reloads)
    else
      redis.call('HDEL', project, 'hold_votes', 'hold_reloads')
    end
  end
  if forget_counts then
    redis.call('HDEL', project, 'upvotes', 'downvotes')
  end
  redis.call('ZADD', KEYS[2], 'NX', now_text, project_id)
  redis.call('ZADD', KEYS[3], 'NX', reload_at, project_id)
  return state[4] or '0-0', token
end

local held = { now_text }
for i = 4, #ARGV, 4 do
  held[#held + 1], held[#held + 2] = hold(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return held
