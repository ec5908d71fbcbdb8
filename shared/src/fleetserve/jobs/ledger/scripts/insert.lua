-- id, kind, subject, request, principal, priority, what a step of it is worth in ms, bounds in all
-- and of one principal (0: none) → the id of this job or of the one that is there already; nil: full.
local id, kind, subject, request, principal = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local priority, step_ms = tonumber(ARGV[7]), tonumber(ARGV[8])
local in_all, of_one = tonumber(ARGV[9]), tonumber(ARGV[10])
if redis.call('EXISTS', key_of(id)) == 1 then return id end
local count, own = 0, 0
for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local found = redis.call('HMGET', key_of(other), 'kind', 'subject', 'state', 'principal')
  if found[3] and not is_finished(found[3]) then
    if found[1] == kind and found[2] == subject then return other end
    count = count + 1
    if found[4] == principal then own = own + 1 end
  end
end
if in_all > 0 and (count >= in_all or own >= of_one) then return false end
local now = now_ms()
redis.call('HSET', key_of(id), 'kind', kind, 'subject', subject, 'request', request,
  'principal', principal, 'priority', priority, 'state', 'queued', 'fence', 0,
  'lease_until_ms', 0, 'created_ms', now, 'updated_ms', now)
redis.call('ZADD', KEYS[1], now - priority * step_ms, id)
return id
