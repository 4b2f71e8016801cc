-- Takes unused tokens back by their stamp. What is no longer there is not
-- taken back.
--
-- KEYS: ring and book of each. ARGV: stamp and number of each.
local call = redis.call
for k = 1, #KEYS, 2 do
  local gone = call('LREM', KEYS[k], ARGV[k + 1], ARGV[k])
  if gone > 0 then
    local b = call('HMGET', KEYS[k + 1], 'used', 'floor')
    if b[1] and b[2] and tonumber(ARGV[k]) > tonumber(b[2]) then
      call('HINCRBY', KEYS[k + 1], 'used', -gone)
    end
  end
end
return 1
