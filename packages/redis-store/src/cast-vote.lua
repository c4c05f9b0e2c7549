-- Casts one vote, in one atomic step. The rule itself is core's `voteTransition`; a property test holds the two together.
--
-- KEYS (all of one shard, so of one cluster slot)
--   1 project     hash    upvotes, downvotes, version, period, voters, generation, last_event, held, opens_at, closes_at,
--                         up_only, board
--   2 votes       prefix; the period is appended: hash, user id -> "<vote>:<version>:<given at, us>"
--   3 events      stream  one entry per change, see core's vote-event.ts
--   4 changed     zset    project id -> version
--   5 request     string  this request's answer
--   6 rate        list    times (us) of the user's answered votes on this project within the window, oldest first
--   7 idempotency string  the first answer to this key; not looked at when ARGV 9 is empty
--   8 keys lost   string  there while answers to keys may be missing here; not looked at when ARGV 9 is empty
--
-- ARGV
--   1 request id  2 project id  3 user id  4 wanted vote: up | down | none
--   5 deadline: us of this server's clock; run later, the cast does nothing
--   6 rate limit: answered votes per window, 0 = none  7 window, us
--   8 seconds to keep the request's answer
--   9 fingerprint of the body, empty without an Idempotency-Key  10 seconds to keep the key
--   11 generation and 12 vote: what the caller read of this user elsewhere, empty before the first `ask`
--   13 the Idempotency-Key, for the event  14 1: PostgreSQL was asked and does not know the key
--
-- Returns { kind, now us, ... }, nothing written but with `answer`:
--   late                     the deadline has passed
--   absent, held, last event  the project is not loaded, or is held until somebody loads it anew. `held`: the token to
--                            load it with, empty when it is not there; its rows must be read after `last event`
--   conflict                 the key was used with another body
--   up-only                  only up-votes are taken here, and taking them back
--   limited, reset us        one vote too many; the next is allowed after `reset`
--   ask, generation, period  the hash is partial and lacks this user: read the row, cast again with it
--   ask-key                  Redis lost answers to keys lately: ask PostgreSQL for this one, cast again when it has none
--   answer, replayed 0|1, remaining, reset us, stored answer, id of the board it is on or empty
-- The stored answer is newline-joined: request id, project id, user id, action, upvotes, downvotes, vote, version,
-- accepted at (us), stream id of the event it waits on.

--- include roll-over

local project, votes_of_periods, events, changed, request, rate, idempotency, keys_lost = unpack(KEYS)
local request_id, project_id, user_id, wanted = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local deadline, rate_max, window = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local request_ttl, fingerprint, idempotency_ttl = ARGV[8], ARGV[9], ARGV[10]

-- Microseconds since 1970 need 51 bits: exact in a Lua number, but tostring() would round them. Counters are far smaller.
local function whole(number)
  return string.format('%.0f', number)
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local now_text = whole(now)

if now > deadline then
  return { 'late', now_text }
end

-- How many answered votes lie in the window that ends now, and when the oldest of them leaves it.
local function rate_used()
  if rate_max == 0 then
    return 0, 0
  end
  local oldest = redis.call('LINDEX', rate, 0)
  while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', rate)
    oldest = redis.call('LINDEX', rate, 0)
  end
  if not oldest then
    return 0, 0
  end
  return redis.call('LLEN', rate), oldest + window - now
end

local function answer(replayed, used, reset, stored)
  local board = redis.call('HGET', project, 'board') or ''
  return { 'answer', now_text, replayed, math.max(0, rate_max - used), whole(reset), stored, board }
end

-- 1. The same request again (a re-send after a lost reply), or the same Idempotency-Key: the first answer again.
local stored = redis.call('GET', request)
if stored then
  local used, reset = rate_used()
  return answer(0, used, reset, stored)
end
if fingerprint ~= '' then
  local remembered = redis.call('GET', idempotency)
  if remembered then
    local body_end = string.find(remembered, '\n', 1, true)
    if string.sub(remembered, 1, body_end - 1) ~= fingerprint then
      return { 'conflict', now_text }
    end
    local used, reset = rate_used()
    return answer(1, used, reset, string.sub(remembered, body_end + 1))
  end
  if ARGV[14] ~= '1' and redis.call('EXISTS', keys_lost) == 1 then
    return { 'ask-key', now_text }
  end
end

-- 2. The project as it stands.
local state = redis.call('HMGET', project, 'version', 'upvotes', 'downvotes', 'period', 'voters', 'generation', 'last_event',
  'held', 'opens_at', 'closes_at', 'up_only')
local version = tonumber(state[1])
if not version or state[8] then
  return { 'absent', now_text, state[8] or '', state[7] or '0-0' }
end
if wanted == 'down' and state[11] then
  return { 'up-only', now_text }
end
local upvotes, downvotes = tonumber(state[2]) or 0, tonumber(state[3]) or 0
local period, voters, generation, last_event = state[4], state[5], state[6], state[7]

-- 3. A period whose instant has passed ends before anything else is counted.
if state[9] or state[10] then
  local rolling = {
    version = version, upvotes = upvotes, downvotes = downvotes, period = period,
    opens_at = state[9] or nil, closes_at = state[10] or nil,
  }
  if roll_over({ project = project, events = events, changed = changed }, project_id, now, rolling) then
    version, upvotes, downvotes, period = rolling.version, 0, 0, rolling.period
    voters, last_event = 'complete', rolling.last_event
  end
end

-- 4. The limit, before anything is written: a refused vote changes nothing.
local used, reset = rate_used()
if rate_max > 0 and used >= rate_max then
  return { 'limited', now_text, whole(reset) }
end

-- 5. The user's vote as it stands.
local votes = votes_of_periods .. period
local held = redis.call('HGET', votes, user_id)
if not held and voters == 'partial' then
  if ARGV[11] ~= generation then
    return { 'ask', now_text, generation, period }
  end
  held = ARGV[12]
  redis.call('HSET', votes, user_id, held)
end
local current, held_stamp, given_at = 'none', '0', '0'
if held then
  current, held_stamp, given_at = string.match(held, '^(%a+):(%d+):(%d+)$')
end

-- 6. The transition. Every wish leaves an event, also one that changes nothing: of two wishes the later one stands, whatever
-- became of an earlier one elsewhere. What comes after the common values of an event is empty without a key.
local function append_event(format, kind, action, version_text, ...)
  local values = {
    format, kind, request_id, project_id, period, user_id, action, wanted, current, given_at,
    version_text, upvotes, downvotes, now_text, ...
  }
  return redis.call('XADD', events, '*', 'e', table.concat(values, '\n'))
end

local action = 'unchanged'
if wanted ~= current then
  action = (wanted == 'none' and 'removed') or (current == 'none' and 'created') or 'changed'
  local function count(vote)
    return (wanted == vote and 1 or 0) - (current == vote and 1 or 0)
  end
  -- Never below zero: a counter somebody tampered with is for the reconciling pass to mend, not a reason to fail.
  upvotes = math.max(0, upvotes + count('up'))
  downvotes = math.max(0, downvotes + count('down'))
  version = math.max(version + 1, now, held_stamp + 1)
  local version_text = version == now and now_text or whole(version)
  if fingerprint == '' then
    last_event = append_event('1', 'vote', action, version_text)
  else
    last_event = append_event('2', 'vote', action, version_text, ARGV[13], fingerprint)
  end
  redis.call('HSET', project, 'upvotes', upvotes, 'downvotes', downvotes, 'version', version_text, 'last_event', last_event)
  redis.call('HSET', votes, user_id, wanted .. ':' .. version_text .. ':' .. now_text)
  redis.call('ZADD', changed, version_text, project_id)
else
  -- Above the project's version, because a vote of the fallback may have that one.
  local stamp = whole(math.max(version + 1, now, held_stamp + 1))
  last_event = append_event('2', 'unchanged', action, whole(version), fingerprint ~= '' and ARGV[13] or '', fingerprint, stamp)
  redis.call('HSET', project, 'last_event', last_event)
  redis.call('HSET', votes, user_id, wanted .. ':' .. stamp .. ':' .. given_at)
end

-- 7. The answer, remembered for whoever asks again.
if rate_max > 0 then
  used = redis.call('RPUSH', rate, now_text)
  redis.call('PEXPIRE', rate, math.ceil(window / 1000))
  if used == 1 then
    reset = window
  end
end
stored = table.concat({
  request_id, project_id, user_id, action, upvotes, downvotes, wanted, whole(version), now_text,
  last_event or '0-0',
}, '\n')
redis.call('SET', request, stored, 'EX', request_ttl)
if fingerprint ~= '' then
  redis.call('SET', idempotency, fingerprint .. '\n' .. stored, 'EX', idempotency_ttl)
end
return answer(0, used, reset, stored)
