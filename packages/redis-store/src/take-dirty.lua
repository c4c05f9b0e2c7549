-- Takes what changed on a board for a sync, together with what an earlier sync took and did not finish.
-- KEYS 1 dirty 2 taken. Returns how many users there are.
local users = redis.call('SUNIONSTORE', KEYS[2], KEYS[1], KEYS[2])
redis.call('DEL', KEYS[1])
return users
