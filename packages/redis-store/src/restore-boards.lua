-- Puts boards that were counted anew in the place of whatever there is, all at once, with the point moves that are in them.
--
-- KEYS (all of one slot)
--   1 epoch    string
--   2 names    set of board names that have a zset
--   3 boards   prefix  4 restored  prefix: zsets that were counted  5 dirty  prefix
--   6 given    hash, shard -> its last move that was given
-- ARGV 1 epoch  2 how many boards  3.. board names, then shard, move, shard, move, ...
-- Returns 1.
local epoch, names, boards, restored, dirty, given = unpack(KEYS)
local last = 2 + tonumber(ARGV[2])
for i = 3, last do
  local name = ARGV[i]
  -- Whoever was there or is there now: PostgreSQL may have other points.
  redis.call('DEL', boards .. name, dirty .. name)
  if redis.call('EXISTS', restored .. name) == 1 then
    redis.call('RENAME', restored .. name, boards .. name)
  end
  redis.call('SADD', names, name)
end
redis.call('DEL', given)
if #ARGV > last then
  redis.call('HSET', given, unpack(ARGV, last + 1, #ARGV))
end
redis.call('SET', epoch, ARGV[1])
return 1
