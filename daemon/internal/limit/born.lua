-- Notes which server answers. Another one than last time - restarted from a
-- file, or a replica that took over - may have lost the newest tokens: its data
-- set counts as born now.
--
-- KEYS: birth, server. ARGV: run id of the server.
local before = redis.call('GET', KEYS[2])
if before == ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
if before then redis.call('DEL', KEYS[1]) end -- else the data set is empty, or new
return 1
