-- Stores the keys of a purpose, unless some of another version than the one to replace are there. Of several processes that do
-- this at once one succeeds, and all of them learn which.
-- KEYS: the keys of all purposes. ARGV: purpose, version, document, and the version that it replaces.
-- Answers version and document that are stored then.
local version, document = ARGV[1] .. ' version', ARGV[1] .. ' document'
local stored = redis.call('HMGET', KEYS[1], version, document)
if stored[1] and stored[1] ~= ARGV[4] then
  return stored
end
redis.call('HSET', KEYS[1], version, ARGV[2], document, ARGV[3])
return {ARGV[2], ARGV[3]}
