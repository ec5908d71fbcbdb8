-- owner, lease in ms, 1 if the owner has just begun → the id and the new fence of the claimed job, or nil.
local owner, lease_ms, restarted = ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local now, held, busy, free = now_ms(), {}, {}, {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local found = redis.call('HMGET', key_of(id), 'state', 'subject', 'owner', 'principal')
  local principal = found[4] or ''
  if is_held(id) and not (restarted and found[3] == owner) then
    held[found[2]] = true
    busy[principal] = (busy[principal] or 0) + 1
  elseif not found[1] or is_finished(found[1]) then
    redis.call('ZREM', KEYS[1], id)
  else
    free[#free + 1] = { id, found[2], principal }
  end
end
local chosen
for _, entry in ipairs(free) do
  if not held[entry[2]] then
    if not chosen or (busy[entry[3]] or 0) < (busy[chosen[3]] or 0) then chosen = entry end
  end
end
if not chosen then return false end
local key = key_of(chosen[1])
local fence = redis.call('HINCRBY', key, 'fence', 1)
redis.call('HSETNX', key, 'started_ms', now)
redis.call('HSET', key, 'state', 'running', 'owner', owner,
  'lease_until_ms', now + lease_ms, 'updated_ms', now)
return { chosen[1], fence }
