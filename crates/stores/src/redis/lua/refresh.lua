-- The rotation table: what becomes of a session when a refresh token is presented. It judges as
-- keyturn_core::session::rotation::refresh does, and a test compares the two.
--
-- KEYS: the session. ARGV: digest of the family secret, generation, now, grace, newest key, activity seen, how long ago the
-- client reports activity or '', '1' if it is revoked, 'check' or 'rotate', 'one' or 'any' to heal, context or '', what a
-- mismatch leads to, '1' if there are new claims, those, the ones that they replace, when the request came if it had to wait
-- or '', and the server's time from which nobody waits for the answer.
--
-- Answers a verdict, the session as it stands, packed (names and values in turn), and '1' if a grant came from elsewhere. The verdict 'end' has stored nothing:
-- its reason, moment and last activity follow, and the session is ended once what revokes its tokens has been stored.
local MAX_TIME = 9007199254740991
local MAX_GENERATION = 4294967295
local CLOCK_TOLERANCE = 1000

local server = redis.call('TIME')
if server[1] * 1000 + server[2] / 1000 > tonumber(ARGV[17]) then
  return {'late'}
end
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then
  return {'unknown'}
end
local record = {start_context = '', last_context = ''}
for i = 1, #fields, 2 do
  record[fields[i]] = fields[i + 1]
end

-- Digests are not compared in constant time: this one is SHA-256 of a random secret and a context's is an HMAC, so nobody can
-- choose how one begins. The token's tag, which proves it, has been compared in constant time before.
if record.family ~= ARGV[1] then
  return {'invalid', cmsgpack.pack(fields)}
end
if record.ended_at then
  return {'ended', cmsgpack.pack(fields)}
end

local generation, rotated_at = tonumber(record.generation), tonumber(record.rotated_at)
local presented, asked, grace = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local only_checks, context, mismatch = ARGV[9] == 'check', ARGV[11], ARGV[12]
local activity = tonumber(record.last_activity)
-- Time never runs backwards for a session.
local now = math.max(asked, rotated_at, activity, tonumber(record.authenticated_at))

local function whole(number)
  return string.format('%.0f', number)
end

local function over(reason)
  return {'end', cmsgpack.pack(fields), reason, whole(now), whole(activity)}
end

local function keep(verdict, elsewhere, changes)
  changes.last_activity = whole(activity)
  local changed = {}
  for name, value in pairs(changes) do
    if record[name] ~= value then
      changed[#changed + 1] = name
      changed[#changed + 1] = value
      record[name] = value
    end
  end
  if #changed > 0 then
    redis.call('HSET', KEYS[1], unpack(changed))
  end
  local after = {}
  for name, value in pairs(record) do
    after[#after + 1] = name
    after[#after + 1] = value
  end
  return {verdict, cmsgpack.pack(after), elsewhere and '1' or ''}
end

-- What leaves the session as it was, but for the activity that was seen.
local function refuse(verdict)
  return keep(verdict, false, {})
end

local function differs(recorded)
  return recorded ~= '' and context ~= '' and recorded ~= context
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

local came = ARGV[16] ~= '' and math.min(tonumber(ARGV[16]), now) or now
local verdict
if presented == generation then
  verdict = 'rotated'
elseif presented == generation - 1 and math.max(came - rotated_at, 0) < grace then
  if differs(record.last_context) then
    return over('reuse')
  end
  if math.min(asked + CLOCK_TOLERANCE, MAX_TIME) < rotated_at then
    return refuse('clock')
  end
  verdict = 'replayed'
elseif presented < generation and came < rotated_at then
  return refuse('overtaken')
elseif presented < generation then
  return over('reuse')
elseif presented == generation + 1 then
  verdict = 'healed'
elseif ARGV[10] == 'any' then
  verdict = 'healed_ahead'
else
  return over('rollback')
end
if verdict == 'replayed' then
  return only_checks and {verdict, cmsgpack.pack(fields)} or refuse(verdict)
end

local elsewhere = false
if differs(record.start_context) then
  if mismatch == 'reject' then
    return refuse('context')
  elseif mismatch == 'revoke' then
    return over('context')
  end
  elsewhere = differs(record.last_context)
end
if presented == MAX_GENERATION then
  return over('generation')
end
local has_claims = ARGV[13] == '1'
if has_claims and ARGV[15] ~= record.claims then
  return only_checks and {'outdated', cmsgpack.pack(fields)} or refuse('outdated')
end
if only_checks then
  return {verdict, cmsgpack.pack(fields), elsewhere and '1' or ''}
end
if ARGV[7] ~= '' then
  activity = math.max(activity, now - tonumber(ARGV[7]))
end
return keep(verdict, elsewhere, {
  generation = whole(presented + 1),
  rotated_at = whole(now),
  refresh_key = ARGV[5],
  claims = has_claims and ARGV[14] or record.claims,
  last_context = context,
  -- A session from before the binding was asked for is bound to where it is used first.
  start_context = record.start_context ~= '' and record.start_context or context,
})
