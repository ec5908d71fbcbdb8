-- id, seconds to keep it. A running job stays in the set until its owner lets go of it.
local id, keep_s = ARGV[2], ARGV[3]
local state = redis.call('HGET', key_of(id), 'state')
if not state or is_finished(state) then return 0 end
redis.call('HSET', key_of(id), 'state', 'cancelled', 'updated_ms', now_ms())
redis.call('EXPIRE', key_of(id), keep_s)
if not is_held(id) then redis.call('ZREM', KEYS[1], id) end
return 1
