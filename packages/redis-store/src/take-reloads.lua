-- Takes projects off the front of the list of those to be reloaded. They stay on the list and are due again after a while:
-- a replica that dies before it has loaded them leaves them to the others.
--
-- KEYS
--   1 reload  zset, project id -> when any replica may reload it (us)
--
-- ARGV
--   1 how many at most  2 us: so long nobody else takes them
--
-- Returns { now us, project id, ... }, longest due first.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_text = string.format('%.0f', now)
local due = redis.call('ZRANGE', KEYS[1], '-inf', now_text, 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, project_id in ipairs(due) do
  redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', now + ARGV[2]), project_id)
end
table.insert(due, 1, now_text)
return due
