-- Puts a cold project into Redis, unless somebody else was faster: whoever loads second changes nothing.
--
-- KEYS
--   1 project   hash
--   2 votes     hash of the project's current period
--
-- ARGV
--   1 upvotes  2 downvotes  3 version  4 period
--   5 voters: complete (everybody with a vote follows) | partial (ask PostgreSQL for who is missing)
--   6 generation: unique to this load
--   7.. user id, vote, user id, vote, ...
--
-- Returns 1 when it loaded, 0 when the project was there.

if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end

-- Lua's stack bounds how many values one call may take.
local VALUES_PER_CALL = 4000
for first = 7, #ARGV, VALUES_PER_CALL do
  redis.call('HSET', KEYS[2], unpack(ARGV, first, math.min(first + VALUES_PER_CALL - 1, #ARGV)))
end
redis.call('HSET', KEYS[1], 'upvotes', ARGV[1], 'downvotes', ARGV[2], 'version', ARGV[3], 'period', ARGV[4],
  'voters', ARGV[5], 'generation', ARGV[6])
return 1
