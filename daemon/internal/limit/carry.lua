-- Tells a window which tokens a process gave by itself while it could not
-- reach Redis.
--
-- KEYS: birth, ring, book. ARGV: now (tests only), longest, length, 1 if the
-- ledger knows of them too, then stamps from the oldest to the newest.
local call = redis.call
local now
if ARGV[1] == '' then
  local t = call('TIME')
  now = t[1] * 1000000 + t[2]
else
  now = tonumber(ARGV[1])
end
local length = tonumber(ARGV[3])
local keep = math.max(tonumber(ARGV[2]), length)
local b = call('HMGET', KEYS[3], 'sum', 'of', 'whole')
if ARGV[4] == '1' then
  local birth = call('GET', KEYS[1])
  if not birth or tonumber(b[2] == birth and b[3] or birth) > now - length then
    return 0 -- it will be seeded, these included
  end
end
local last = tonumber(b[1] and string.match(b[1], '^%d+ %S+ (%d+)') or 0)
for i = 5, #ARGV do
  last = math.max(last, math.min(tonumber(ARGV[i]), now))
  call('LPUSH', KEYS[2], string.format('%.0f', last))
end
local ttl = keep * 1.25
-- The sum is to be counted again.
call('HSET', KEYS[3], 'sum', string.format('0 9007199254740991 %.0f 0', last), 'due', string.format('%.0f', math.max(now, last) + ttl))
call('PEXPIRE', KEYS[2], math.ceil(ttl / 1000))
call('PEXPIRE', KEYS[3], math.ceil(ttl / 1000))
return 1
