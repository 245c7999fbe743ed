-- How far the news have come, and which keys are stored.
-- KEYS: head, live, news, keys. Answers epoch, version and the first version that the news still hold, each '' if there is none,
-- and what tells these keys from others: for each purpose its version, and a digest, since after a loss other keys may come
-- under the same version.
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version')
local first = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', '1')
local stored = {}
for _, purpose in ipairs({'csrf', 'refresh', 'signing'}) do
  local keys = redis.call('HMGET', KEYS[4], purpose .. ' version', purpose .. ' document')
  stored[#stored + 1] = (keys[1] or '') .. ':' .. (keys[2] and redis.sha1hex(keys[2]) or '')
end
return {head[1] or '', head[2] or '', first[1] and first[1][1] or '', table.concat(stored, ' ')}
