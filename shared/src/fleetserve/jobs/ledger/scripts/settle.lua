-- id, fence, state, result, seconds to keep it (0: it goes on) → 1 if committed, else 0.
local id, fence, state, result, keep_s = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local key = key_of(id)
local found = redis.call('HMGET', key, 'fence', 'state')
if found[1] ~= fence then return 0 end
redis.call('HSET', key, 'lease_until_ms', 0)
if found[2] ~= 'running' then
  redis.call('ZREM', KEYS[1], id)
  return 0
end
redis.call('HSET', key, 'state', state, 'result', result, 'updated_ms', now_ms())
if keep_s > 0 then
  redis.call('ZREM', KEYS[1], id)
  redis.call('EXPIRE', key, keep_s)
end
return 1
