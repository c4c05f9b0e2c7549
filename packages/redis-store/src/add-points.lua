-- Adds points to boards, once: a reader's batch with the entry it ends at, or a request with its id.
--
-- KEYS (all of one slot)
--   1 mark     string or hash: what was done already (see ARGV 1)
--   2 boards   prefix; a board's name is appended: zset, user id -> points
--   3 dirty    prefix; a board's name is appended: set of user ids whose points changed since the last sync
--   4 names    set of board names that have a zset
--   5 frozen   set of board names that are over: their points do not change any more
--
-- ARGV
--   1 `batch`: KEYS 1 is a hash, shard -> last entry; done only when it stands at ARGV 3, then it stands at ARGV 4
--     `request`: KEYS 1 is a string that holds the answer to a request; ARGV 3 its body, ARGV 4 seconds to keep it
--   2 shard, empty for a request
--   5.. board name, user id, points, board name, ...
--
-- Returns for a batch 1 when it added, 0 when that was done before; for a request { 1 | 0 | -1, when it was done }, -1 when it
-- had another body

local mark, boards, dirty, names, frozen = unpack(KEYS)

if ARGV[1] == 'batch' then
  if (redis.call('HGET', mark, ARGV[2]) or '0-0') ~= ARGV[3] then
    return 0
  end
  redis.call('HSET', mark, ARGV[2], ARGV[4])
else
  local known = redis.call('GET', mark)
  if known then
    local at, body = string.match(known, '^(%d+) (.*)$')
    return { body == ARGV[3] and 0 or -1, at }
  end
  redis.call('SET', mark, ARGV[2] .. ' ' .. ARGV[3], 'EX', ARGV[4])
end

for i = 5, #ARGV, 3 do
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
if ARGV[1] == 'request' then
  return { 1, ARGV[2] }
end
return 1
