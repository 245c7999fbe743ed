-- Moves the activity of a session forward, unless it has ended.
-- KEYS: the session. ARGV: the moment.
local known = redis.call('HMGET', KEYS[1], 'last_activity', 'ended_at')
if known[1] and not known[2] and tonumber(ARGV[1]) > tonumber(known[1]) then
  redis.call('HSET', KEYS[1], 'last_activity', ARGV[1])
end
return 1
