-- Takes one vote out of Redis, because PostgreSQL could not store it: the user's vote goes back to what the rows say.
-- Only while that vote is the user's newest, so nothing anybody wished since is undone. Doing it twice is doing it once.
--
-- KEYS (all of one shard)
--   1 project     hash
--   2 votes       hash of the period the vote was cast in
--   3 events      stream
--   4 changed     zset, project id -> version
--   5 withdrawal  string, what this returned the first time
--
-- ARGV
--   1 project id  2 user id  3 period  4 stamp of the vote to take out
--   5 vote and 6 time it was given (us) that the rows have
--   7 seconds to remember the result
--
-- Returns the project's new version; 0 when the vote is not there: voted over, or the project is not loaded, held, or in
-- another period. Then Redis has, or will read, what the rows say.

local project, votes, events, changed, withdrawal = unpack(KEYS)

-- See cast-vote.lua.
local function whole(number)
  return string.format('%.0f', number)
end

local done = redis.call('GET', withdrawal)
if done then
  return done
end
local state = redis.call('HMGET', project, 'version', 'upvotes', 'downvotes', 'period', 'held')
local version = tonumber(state[1])
local held = redis.call('HGET', votes, ARGV[2])
if not version or state[5] or state[4] ~= ARGV[3] or not held then
  return '0'
end
local current, current_version = string.match(held, '^(%a+):(%d+):%d+$')
if current_version ~= ARGV[4] then
  return '0'
end

local previous = ARGV[5]
local function counted(counter, vote)
  -- Never below zero, see cast-vote.lua.
  return math.max(0, (tonumber(counter) or 0) + (previous == vote and 1 or 0) - (current == vote and 1 or 0))
end
local upvotes, downvotes = counted(state[2], 'up'), counted(state[3], 'down')
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
version = math.max(version + 1, now)
local last_event = redis.call('XADD', events, '*', 'e', table.concat({
  '1', 'counts', ARGV[1], ARGV[3], whole(version), upvotes, downvotes, 'vote-failed', whole(now),
}, '\n'))
redis.call('HSET', project, 'upvotes', upvotes, 'downvotes', downvotes, 'version', whole(version), 'last_event', last_event)
redis.call('HSET', votes, ARGV[2], previous .. ':' .. whole(version) .. ':' .. ARGV[6])
redis.call('ZADD', changed, whole(version), ARGV[1])
redis.call('SET', withdrawal, whole(version), 'EX', ARGV[7])
return whole(version)
