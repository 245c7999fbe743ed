-- Puts a session into the index of its subject in place of those that give way, if the index is still as it was read: of many
-- sign-ins at once each has counted those before it.
-- KEYS: the index. ARGV: absolute end, sid, life in ms, how many give way, their sids, and every sid that was read, in order.
local gone = tonumber(ARGV[4])
local known = redis.call('ZRANGE', KEYS[1], '0', '-1')
if #known ~= #ARGV - 4 - gone then
  return 0
end
for i, sid in ipairs(known) do
  if sid ~= ARGV[4 + gone + i] then
    return 0
  end
end
for i = 5, 4 + gone do
  redis.call('ZREM', KEYS[1], ARGV[i])
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
