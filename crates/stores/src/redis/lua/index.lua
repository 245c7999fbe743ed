-- Puts a session into an index, which lives at least as long as it.
-- KEYS: the index. ARGV: absolute end, sid, life in ms, and up to which absolute end entries are of no more use.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
