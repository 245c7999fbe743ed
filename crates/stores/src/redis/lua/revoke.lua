-- Stores revocations, and tells the other processes of those that are new.
-- KEYS: head, live, news. ARGV: an epoch if there is none yet, the keys' shortest life in ms, how many news are kept, then
-- expiry and text of each revocation.
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
local server = redis.call('TIME')
local dies = server[1] * 1000 + tonumber(ARGV[2])
for i = 4, #ARGV, 2 do
  if redis.call('ZADD', KEYS[2], ARGV[i], ARGV[i + 1]) == 1 then
    version = version + 1
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], string.format('%.0f-0', version), 'r', ARGV[i + 1])
  end
  dies = math.max(dies, tonumber(ARGV[i]))
end
redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version))
local lives = dies - server[1] * 1000
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < lives then
    redis.call('PEXPIRE', key, string.format('%.0f', lives))
  end
end
return version
