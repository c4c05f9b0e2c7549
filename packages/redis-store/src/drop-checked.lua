-- Takes projects off the list of changed ones, unless they changed again since they were looked at.
--
-- KEYS
--   1 changed  zset, project id -> version
--
-- ARGV
--   project id, version it had, project id, version it had, ...
--
-- Returns how many were taken off.

local dropped = 0
for i = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    dropped = dropped + redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return dropped
