-- Remembers up to where PostgreSQL has applied a shard's event stream. The mark only grows, so a PostgreSQL that says less
-- than it has gone back in time: it was restored from a copy, or failed over to a server that lagged.
--
-- KEYS
--   1 applied  string: an entry's id
--
-- ARGV
--   1 the shard's watermark in PostgreSQL
--
-- Returns the mark, as it stands now.

--- include entry-order

local known = redis.call('GET', KEYS[1])
if known and not is_after(ARGV[1], known) then
  return known
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
