-- Gives a stretch of a shard's point moves, once: the points and the move that they end at are one step, in one slot, so a
-- Redis that goes back in time takes both back and the moves are given again.
--
-- KEYS (all of one slot)
--   1 given    hash, shard -> its last move that was given
--   2 boards   prefix; a board's name is appended: zset, user id -> points
--   3 dirty    prefix; a board's name is appended: set of user ids whose points changed since the last sync
--   4 names    set of board names that have a zset
--   5 frozen   set of board names that are over: their points do not change any more
--
-- ARGV
--   1 shard  2 the move that the stretch begins after, empty at the first one  3 the move that it ends at
--   4.. board name, user id, points, board name, ...
--
-- Returns 1 when it gave them, 0 when KEYS 1 does not stand at ARGV 2.

local given, boards, dirty, names, frozen = unpack(KEYS)

if (redis.call('HGET', given, ARGV[1]) or '') ~= ARGV[2] then
  return 0
end
redis.call('HSET', given, ARGV[1], ARGV[3])
for i = 4, #ARGV, 3 do
  local name, user, points = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if points ~= 0 and redis.call('SISMEMBER', frozen, name) == 0 then
    local sum = tonumber(redis.call('ZINCRBY', boards .. name, ARGV[i + 2], user))
    -- Whoever has no points is on no board.
    if sum == 0 then
      redis.call('ZREM', boards .. name, user)
    end
    redis.call('SADD', dirty .. name, user)
    redis.call('SADD', names, name)
  end
end
return 1
