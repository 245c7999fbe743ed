-- The rotation table: what becomes of a session when a refresh token is presented. It judges as
-- keyturn_core::session::rotation::refresh does, and a test compares the two.
--
-- KEYS: the session. ARGV: digest of the family secret, generation, now, grace, newest key, activity seen, how long ago the
-- client reports activity or '', whether it is revoked, and the server's time from which nobody waits for the answer.
--
-- Answers the verdict and the session as it stands. The verdict 'end' has stored nothing: its reason, moment and last
-- activity follow, and the session is ended once what revokes its tokens has been stored.
local MAX_TIME = 9007199254740991
local MAX_GENERATION = 4294967295
local CLOCK_TOLERANCE = 1000

local server = redis.call('TIME')
if server[1] * 1000 + server[2] / 1000 > tonumber(ARGV[9]) then
  return {'late'}
end
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then
  return {'unknown'}
end
local record = {}
for i = 1, #fields, 2 do
  record[fields[i]] = fields[i + 1]
end

-- Not in constant time: both are SHA-256 of a random secret, and nobody can choose the beginning of a digest. The token's
-- tag, which proves it, has been compared in constant time before.
if record.family ~= ARGV[1] then
  return {'invalid', fields}
end
if record.ended_at then
  return {'ended', fields}
end

local generation, rotated_at = tonumber(record.generation), tonumber(record.rotated_at)
local presented, asked, grace = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local activity = tonumber(record.last_activity)
-- Time never runs backwards for a session.
local now = math.max(asked, rotated_at, activity, tonumber(record.authenticated_at))

local function whole(number)
  return string.format('%.0f', number)
end

local function over(reason)
  return {'end', fields, reason, whole(now), whole(activity)}
end

local function keep(verdict, changes)
  changes.last_activity = whole(activity)
  for i = 1, #fields, 2 do
    local value = changes[fields[i]]
    if value and value ~= fields[i + 1] then
      redis.call('HSET', KEYS[1], fields[i], value)
      fields[i + 1] = value
    end
  end
  return {verdict, fields}
end

if ARGV[8] == '1' then
  return over('revoked')
end
-- Expiry is decided on what the server has seen; only then may a report move the activity, and it revives nothing.
activity = math.max(activity, math.min(tonumber(ARGV[6]), now))
if now >= tonumber(record.absolute_end) then
  return over('absolute')
end
if now >= math.min(activity + tonumber(record.idle), MAX_TIME) then
  return over('idle')
end

local verdict
if presented == generation then
  verdict = 'rotated'
elseif presented == generation - 1 and now - rotated_at < grace then
  if math.min(asked + CLOCK_TOLERANCE, MAX_TIME) < rotated_at then
    return keep('clock', {})
  end
  return keep('replayed', {})
elseif presented < generation then
  return over('reuse')
elseif presented == generation + 1 then
  verdict = 'healed'
else
  return over('rollback')
end
if presented == MAX_GENERATION then
  return over('generation')
end
if ARGV[7] ~= '' then
  activity = math.max(activity, now - tonumber(ARGV[7]))
end
return keep(verdict, {generation = whole(presented + 1), rotated_at = whole(now), refresh_key = ARGV[5]})
