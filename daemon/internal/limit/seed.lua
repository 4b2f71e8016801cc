-- Tells a window what the ledger knows of the time before this data set.
-- Whoever comes second does nothing.
--
-- KEYS: birth, ring, book. ARGV: now (tests only), longest, length, then stamps
-- from the newest to the oldest.
local call = redis.call
local now
if ARGV[1] == '' then
  local t = call('TIME')
  now = t[1] * 1000000 + t[2]
else
  now = tonumber(ARGV[1])
end
local birth = call('GET', KEYS[1])
if not birth then return 0 end -- emptied again: the next check begins anew
local length = tonumber(ARGV[3])
local keep = math.max(tonumber(ARGV[2]), length)
local b = call('HMGET', KEYS[3], 'sum', 'of', 'whole')
local last = tonumber(b[1] and string.match(b[1], '^%d+ %S+ (%d+)') or 0)
local at = math.max(now, last)
local known = math.huge -- from here on the ring knows everything
local oldest = at
if b[2] == birth then
  known = tonumber(b[3])
  if known <= at - length then return 0 end
  oldest = tonumber(call('LINDEX', KEYS[2], -1) or at)
else -- all that an older data set left here is in the ledger too
  call('DEL', KEYS[2], KEYS[3])
end
for i = 4, #ARGV do
  local s = tonumber(ARGV[i])
  if s < known then
    oldest = math.min(oldest, s)
    call('RPUSH', KEYS[2], string.format('%.0f', oldest))
  end
end
local ttl = keep * 1.25
-- The sum is to be counted again.
call('HSET', KEYS[3], 'sum', string.format('0 9007199254740991 %.0f 0', last), 'of', birth, 'whole', string.format('%.0f', at - length), 'due', string.format('%.0f', at + ttl))
call('PEXPIRE', KEYS[2], math.ceil(ttl / 1000))
call('PEXPIRE', KEYS[3], math.ceil(ttl / 1000))
return 1
