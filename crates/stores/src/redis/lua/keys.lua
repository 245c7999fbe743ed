-- Stores the candidates of every purpose that has no key yet, and answers all keys. Of several processes that do this at
-- once the first one's candidates win.
-- KEYS: the keys, by 'PURPOSE KID'. ARGV: purpose, kid and text of each candidate.
local taken = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  taken[string.match(name, '^%S+')] = true
end
for i = 1, #ARGV, 3 do
  if not taken[ARGV[i]] then
    redis.call('HSET', KEYS[1], ARGV[i] .. ' ' .. ARGV[i + 1], ARGV[i + 2])
  end
end
return redis.call('HGETALL', KEYS[1])
