-- id, kind, subject, request → the id of this job or of the one that is under way already.
local id, kind, subject, request = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local found = redis.call('HMGET', key_of(other), 'kind', 'subject', 'state')
  if found[1] == kind and found[2] == subject and not is_finished(found[3]) then return other end
end
local now = now_ms()
redis.call('HSET', key_of(id), 'kind', kind, 'subject', subject, 'request', request,
  'state', 'queued', 'fence', 0, 'lease_until_ms', 0, 'created_ms', now, 'updated_ms', now)
redis.call('ZADD', KEYS[1], now, id)
return id
