-- What is known of a board, all of it at one moment, if it may be shown.
--
-- KEYS
--   1 queue  hash, see core's names.ts
--
-- ARGV
--   1 the oldest structure that will do  2 us since it was loaded after which it will not
--
-- Returns all fields and values; empty when the board must be loaded.

local state = redis.call('HMGET', KEYS[1], 'structure', 'loaded_at')
if not state[1] or tonumber(state[1]) < tonumber(ARGV[1]) then
  return {}
end
local time = redis.call('TIME')
if time[1] * 1000000 + time[2] - state[2] > tonumber(ARGV[2]) then
  return {}
end
return redis.call('HGETALL', KEYS[1])
