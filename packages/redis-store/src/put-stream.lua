-- Brings one stream's counters up to date in what is known of its board. Run after every vote and before its answer, so
-- whoever reads the board from then on sees the vote. May be repeated, and come late: versions decide.
--
-- It writes the counters also where nothing else is known of the board: somebody may be about to write what was read before
-- the vote, and must find the newer counters here.
--
-- KEYS (of one slot)
--   1 queue    hash, see core's names.ts
--   2 actions  list, newest first
--
-- ARGV
--   1 stream id  2 counters: "<upvotes>:<downvotes>:<version>"
--   3 seconds to keep what is known of a board after its last change
--   4 the action to keep, JSON; empty when there was none  5 how many actions to keep
--
-- Returns the board's version.

local queue, actions = KEYS[1], KEYS[2]

-- See cast-vote.lua.
local function whole(number)
  return string.format('%.0f', number)
end

local version = tonumber(redis.call('HGET', queue, 'version') or '0')
local field = 'c:' .. ARGV[1]
local function version_of(counters)
  return counters and tonumber(string.match(counters, ':(%d+)$')) or -1
end

local new = version_of(ARGV[2])
if new > version_of(redis.call('HGET', queue, field)) then
  local time = redis.call('TIME')
  version = math.max(version + 1, time[1] * 1000000 + time[2], new)
  redis.call('HSET', queue, field, ARGV[2], 'version', whole(version))
  redis.call('EXPIRE', queue, ARGV[3])
end
if ARGV[4] ~= '' then
  redis.call('LPUSH', actions, ARGV[4])
  redis.call('LTRIM', actions, 0, ARGV[5] - 1)
  redis.call('EXPIRE', actions, ARGV[3])
end
return whole(version)
