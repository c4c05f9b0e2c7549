-- Makes a shard's stream give out only ids after the last one that was applied, as if it had held everything before.
--
-- KEYS
--   1 events  stream, may be missing
--
-- ARGV
--   1 the shard's last applied id
--
-- Returns the last id the stream gave out, as it now says.

--- include entry-order

if redis.call('EXISTS', KEYS[1]) == 0 then
  -- The only way to an empty stream is a group that makes it; nobody uses groups.
  redis.call('XGROUP', 'CREATE', KEYS[1], 'none', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], 'none')
end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local last = '0-0'
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then
    last = info[i + 1]
  end
end
if is_after(ARGV[1], last) then
  redis.call('XSETID', KEYS[1], ARGV[1])
  return ARGV[1]
end
return last
