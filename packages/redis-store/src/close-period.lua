-- Ends a project's period when its instant has passed, for whoever does not wait for the next vote. The same step as in
-- cast-vote.lua.
--
-- KEYS (of one shard)
--   1 project  hash
--   2 events   stream
--   3 changed  zset, project id -> version
--
-- ARGV
--   1 project id
--
-- Returns { kind, now us, ... }
--   absent, held, last event                                    as in cast-vote.lua
--   open, period, upvotes, downvotes, version, last event       as it stands now

--- include roll-over

local project, events, changed = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_text = string.format('%.0f', now)
local found = redis.call('HMGET', project, 'version', 'upvotes', 'downvotes', 'period', 'last_event', 'held', 'opens_at',
  'closes_at')
if not found[1] or found[6] then
  return { 'absent', now_text, found[6] or '', found[5] or '0-0' }
end
local state = {
  version = tonumber(found[1]), upvotes = tonumber(found[2]) or 0, downvotes = tonumber(found[3]) or 0, period = found[4],
  last_event = found[5] or nil, opens_at = found[7] or nil, closes_at = found[8] or nil,
}
roll_over({ project = project, events = events, changed = changed }, ARGV[1], now, state)
return {
  'open', now_text, state.period, tostring(state.upvotes), tostring(state.downvotes),
  string.format('%.0f', state.version), state.last_event or '0-0',
}
