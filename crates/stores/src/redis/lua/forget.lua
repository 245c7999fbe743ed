-- Deletes revocations that have expired, at most as many as one step should.
-- KEYS: live. ARGV: now, how many. Answers how many were deleted.
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', '0', ARGV[2])
if #over > 0 then
  redis.call('ZREM', KEYS[1], unpack(over))
end
return #over
