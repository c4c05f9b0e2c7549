-- Part of other scripts: ends a project's period when its instant has passed, as the first thing that happens at or after
-- it. A launch has two such instants, one that opens it and one that closes it; each ends a period once.
--
-- What was counted stands in a `closed` event and, until the project leaves Redis, in its field `closed:<period>`. The next
-- period begins at zero, and everybody may vote anew: who voted what is a hash per period.
--
-- roll_over(keys, project id, now us, state): keys has project, events, changed; state has version, upvotes, downvotes
-- (numbers), period, opens_at, closes_at (texts, nil where there is none), and is brought up to date.
-- Returns whether anything was rolled over.

local function roll_over(keys, project_id, now, state)
  local rolled = false
  for _, instant_name in ipairs({ 'opens_at', 'closes_at' }) do
    local instant = state[instant_name]
    if instant and tonumber(instant) <= now then
      state.version = math.max(state.version + 1, now)
      local version_text = string.format('%.0f', state.version)
      local last_event = redis.call('XADD', keys.events, '*', 'e', table.concat({
        '1', 'closed', project_id, state.period, version_text, state.upvotes, state.downvotes, instant,
        string.format('%.0f', now),
      }, '\n'))
      redis.call('HSET', keys.project,
        'closed:' .. state.period, state.upvotes .. ':' .. state.downvotes .. ':' .. instant,
        'upvotes', 0, 'downvotes', 0, 'period', state.period + 1, 'version', version_text, 'last_event', last_event,
        -- Nobody has voted in the new period, so nobody is missing.
        'voters', 'complete')
      redis.call('HDEL', keys.project, instant_name)
      redis.call('ZADD', keys.changed, version_text, project_id)
      state.upvotes, state.downvotes, state.period = 0, 0, string.format('%.0f', state.period + 1)
      state.last_event, state.voters, state[instant_name] = last_event, 'complete', nil
      rolled = true
    end
  end
  return rolled
end
