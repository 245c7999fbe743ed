-- Gives a session other claims, if they are still those that were read and no token was made from them behind the cut-off.
-- KEYS: the session. ARGV: the claims that were read, the new ones, the cut-off and the moment after it, and when the roles and
-- the permissions among the new ones were set.
-- Answers 1 when there is nothing left to do, 0 if the session has to be read again.
local known = redis.call('HMGET', KEYS[1], 'claims', 'rotated_at', 'rights_at', 'ended_at')
if not known[1] or known[4] then
  return 1
end
if known[1] ~= ARGV[1] or math.max(tonumber(known[2]), tonumber(known[3])) > tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], 'claims', ARGV[2], 'rights_at', ARGV[4], 'roles_at', ARGV[5], 'permissions_at', ARGV[6])
return 1
