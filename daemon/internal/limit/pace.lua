-- Lets messages leave one by one: so many per window by one number, and one per
-- interval, with a burst, to one customer.
--
-- KEYS: number and pair of each message; empty: not paced by it.
-- ARGV: now (tests only), interval and burst of a pair, then of each message:
-- window and most of its number; at last 1 for a look that counts nothing.
-- Returns of each: wait for the number, wait for the pair; both 0: counted.
local call = redis.call
local now
if ARGV[1] == '' then
  local t = call('TIME')
  now = t[1] * 1000000 + t[2]
else
  now = tonumber(ARGV[1])
end
local interval, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local look = ARGV[#KEYS + 4] == '1'
local answers = {}
for k = 1, #KEYS, 2 do
  local number, pair = KEYS[k], KEYS[k + 1]
  local window, most = tonumber(ARGV[k + 3]), tonumber(ARGV[k + 4])
  local slow, early, next = 0, 0, 0
  if number ~= '' then
    local s = tonumber(call('LINDEX', number, most - 1) or 0)
    if s > now + window then
      call('DEL', number) -- another master's clock
    elseif s > now - window then
      slow = s + window - now
    end
  end
  if pair ~= '' then -- next: when the customer has been given all the time of what was sent
    next = tonumber(call('GET', pair) or 0)
    if next > now + (burst + 1) * interval then next = 0 end
    next = math.max(next, now) + interval
    early = math.max(0, next - now - burst * interval)
  end
  if slow == 0 and early == 0 and not look then
    if number ~= '' then
      local newest = tonumber(call('LINDEX', number, 0) or 0)
      call('LPUSH', number, string.format('%.0f', math.max(now, newest)))
      call('LTRIM', number, 0, most - 1)
      call('PEXPIRE', number, math.ceil(window / 1000) + 1000)
    end
    if pair ~= '' then call('SET', pair, string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1) end
  end
  local i = #answers
  answers[i + 1], answers[i + 2] = slow, early
end
return answers
