-- Makes a board's queue readable: which streams there are, and the counters of each as they were read elsewhere. Counters
-- that are newer here stay, and so does a newer structure: two may load at once, and votes come in between.
--
-- KEYS
--   1 queue  hash, see core's names.ts
--
-- ARGV
--   1 structure: the board's version when streams last came or went  2 streams, JSON
--   3 seconds to keep what is known of a board after its last change
--   4.. stream id, counters "<upvotes>:<downvotes>:<version>", ...
--
-- Returns all fields and values, as read-jam.lua does.

local queue = KEYS[1]

-- See cast-vote.lua.
local function whole(number)
  return string.format('%.0f', number)
end

local function version_of(counters)
  return counters and tonumber(string.match(counters, ':(%d+)$')) or -1
end

local state = redis.call('HMGET', queue, 'version', 'structure')
local version, structure = tonumber(state[1]), tonumber(state[2])
local newest, changed = tonumber(ARGV[1]), not version
for i = 4, #ARGV, 2 do
  local field, counters = 'c:' .. ARGV[i], ARGV[i + 1]
  if version_of(counters) > version_of(redis.call('HGET', queue, field)) then
    redis.call('HSET', queue, field, counters)
    newest = math.max(newest, version_of(counters))
    changed = true
  end
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local newest_streams = not structure or structure <= tonumber(ARGV[1])
if newest_streams then
  -- Of an equal structure they only differ when somebody wrote rows by hand.
  changed = changed or structure ~= tonumber(ARGV[1]) or redis.call('HGET', queue, 'streams') ~= ARGV[2]
  redis.call('HSET', queue, 'structure', ARGV[1], 'streams', ARGV[2], 'loaded_at', whole(now))
end
if changed then
  redis.call('HSET', queue, 'version', whole(math.max((version or 0) + 1, now, newest)))
end
redis.call('EXPIRE', queue, ARGV[3])
local all = redis.call('HGETALL', queue)
if not newest_streams then
  return all
end

-- Counters of streams that were played are let go of, or everybody would read them for as long as the board is looked at.
-- Not at once: a stream that is not listed here may be a new one, and whoever loads it may have read its counters before a
-- vote that stands here.
local FORGOTTEN_AFTER_US = 600000000
local listed, kept = {}, {}
for i = 4, #ARGV, 2 do
  listed['c:' .. ARGV[i]] = true
end
for i = 1, #all, 2 do
  local field, value = all[i], all[i + 1]
  if string.sub(field, 1, 2) == 'c:' and not listed[field] and version_of(value) < now - FORGOTTEN_AFTER_US then
    redis.call('HDEL', queue, field)
  else
    kept[#kept + 1] = field
    kept[#kept + 1] = value
  end
end
return kept
