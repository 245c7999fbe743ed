-- How far the news have come.
-- KEYS: head, live, news. Answers epoch, version and the first version that the news still hold, each '' if there is none.
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version')
local first = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', '1')
return {head[1] or '', head[2] or '', first[1] and first[1][1] or ''}
