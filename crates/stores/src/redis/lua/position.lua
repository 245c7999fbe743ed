-- How far the news have come, and which keys are stored.
-- KEYS: head, live, news, keys. Answers epoch, version and the first version that the news still hold, each '' if there is none,
-- and the versions of the keys.
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version')
local first = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', '1')
local keys = redis.call('HMGET', KEYS[4], 'csrf version', 'refresh version', 'signing version')
local versions = (keys[1] or '') .. ' ' .. (keys[2] or '') .. ' ' .. (keys[3] or '')
return {head[1] or '', head[2] or '', first[1] and first[1][1] or '', versions}
