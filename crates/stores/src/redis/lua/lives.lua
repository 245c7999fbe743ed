-- Keeps the longest of each.
-- KEYS: the lives. ARGV: name and length in ms of each. Answers what is then kept, in order.
local kept = {}
for i = 1, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known or tonumber(known) < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    known = ARGV[i + 1]
  end
  kept[#kept + 1] = known
end
return kept
