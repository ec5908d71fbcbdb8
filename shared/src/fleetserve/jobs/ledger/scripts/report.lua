-- id, fence, lease in ms, progress → held, cancelled or lost.
local id, fence, lease_ms, progress = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local found = redis.call('HMGET', key_of(id), 'fence', 'state')
if found[1] ~= fence then return 'lost' end
if found[2] == 'cancelled' then return 'cancelled' end
if found[2] ~= 'running' then return 'lost' end
local now = now_ms()
redis.call('HSET', key_of(id), 'progress', progress,
  'lease_until_ms', now + lease_ms, 'updated_ms', now)
return 'held'
