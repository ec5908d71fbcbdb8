-- owner, lease in ms, 1 if the owner has just begun → the id and the new fence of the claimed job, or nil.
local owner, lease_ms, restarted = ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local now, held, free = now_ms(), {}, {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local found = redis.call('HMGET', key_of(id), 'state', 'subject', 'owner')
  if is_held(id) and not (restarted and found[3] == owner) then
    held[found[2]] = true
  elseif not found[1] or is_finished(found[1]) then
    redis.call('ZREM', KEYS[1], id)
  else
    free[#free + 1] = { id, found[2] }
  end
end
for _, entry in ipairs(free) do
  if not held[entry[2]] then
    local key = key_of(entry[1])
    local fence = redis.call('HINCRBY', key, 'fence', 1)
    redis.call('HSET', key, 'state', 'running', 'owner', owner,
      'lease_until_ms', now + lease_ms, 'updated_ms', now)
    return { entry[1], fence }
  end
end
return false
