-- Ends a session, unless it has ended: the first reason stays.
-- KEYS: the session. ARGV: when, why, its last activity or '', whose it must be or '', the generation and the rights_at that it
-- must have, or '', and the session that takes its place, or ''.
-- Answers 'unknown', 'ended' (before), 'changed' or 'now', and the session as it stands, packed: names and values in turn.
local fields = redis.call('HGETALL', KEYS[1])
local record = {}
for i = 1, #fields, 2 do
  record[fields[i]] = fields[i + 1]
end
if #fields == 0 or (ARGV[4] ~= '' and record.subject ~= ARGV[4]) then
  return {'unknown'}
end
if record.ended_at then
  return {'ended', cmsgpack.pack(fields)}
end
if ARGV[5] ~= '' and (record.generation ~= ARGV[5] or record.rights_at ~= ARGV[6]) then
  return {'changed', cmsgpack.pack(fields)}
end
if ARGV[3] ~= '' and tonumber(ARGV[3]) > tonumber(record.last_activity) then
  redis.call('HSET', KEYS[1], 'last_activity', ARGV[3])
end
redis.call('HSET', KEYS[1], 'ended_at', ARGV[1], 'ended_reason', ARGV[2])
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'successor', ARGV[7])
end
return {'now', cmsgpack.pack(redis.call('HGETALL', KEYS[1]))}
