-- Part of other scripts: whether a stream entry's id comes after another one's. Digit by digit it would be wrong.

local function is_after(a, b)
  local a_ms, a_sequence = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_sequence = string.match(b, '^(%d+)-(%d+)$')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  return a_ms > b_ms or (a_ms == b_ms and tonumber(a_sequence) > tonumber(b_sequence))
end
