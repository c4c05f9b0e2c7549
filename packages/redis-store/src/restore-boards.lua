-- Adds what PostgreSQL knew to boards that were lost, all at once, and marks them as whole. Points given since the loss stay.
--
-- KEYS (all of one slot)
--   1 epoch    string
--   2 names    set of board names that have a zset
--   3 boards   prefix  4 restored  prefix: zsets that were read back  5 dirty  prefix
-- ARGV 1 epoch 2.. board names
-- Returns 1, or 0 when the boards are whole already.
local epoch, names, boards, restored, dirty = unpack(KEYS)
if redis.call('GET', epoch) == ARGV[1] then
  return 0
end
for i = 2, #ARGV do
  local name = ARGV[i]
  -- Whoever got points since: their sum is news for PostgreSQL.
  if redis.call('EXISTS', boards .. name) == 1 then
    local since = redis.call('ZRANGE', boards .. name, 0, -1)
    for first = 1, #since, 4000 do
      redis.call('SADD', dirty .. name, unpack(since, first, math.min(first + 3999, #since)))
    end
  end
  redis.call('ZUNIONSTORE', boards .. name, 2, boards .. name, restored .. name)
  redis.call('ZREMRANGEBYSCORE', boards .. name, 0, 0)
  redis.call('DEL', restored .. name)
  redis.call('SADD', names, name)
end
redis.call('SET', epoch, ARGV[1])
return 1
