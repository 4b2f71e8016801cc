-- Takes unused tokens back by their stamp. What is no longer there is not
-- taken back.
--
-- KEYS: ring and book of each. ARGV: stamp and number of each.
local call = redis.call
for k = 1, #KEYS, 2 do
  local gone = call('LREM', KEYS[k], ARGV[k + 1], ARGV[k])
  local sum = gone > 0 and call('HGET', KEYS[k + 1], 'sum')
  if sum then -- to be counted again: the oldest in use may be another one now
    call('HSET', KEYS[k + 1], 'sum', (string.gsub(sum, '^%d+ %S+ (%d+) %d+$', '0 9007199254740991 %1 0')))
  end
end
return 1
