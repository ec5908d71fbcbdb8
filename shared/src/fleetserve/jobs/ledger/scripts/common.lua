-- KEYS[1]: sorted set of the jobs that somebody may still work on, by time and priority.
-- ARGV[1]: what a job's key begins with. The rest is each script's own.
local function key_of(id) return ARGV[1] .. id end
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function is_finished(state)
  return state == 'succeeded' or state == 'failed' or state == 'cancelled'
end
local function is_held(id)
  return (tonumber(redis.call('HGET', key_of(id), 'lease_until_ms')) or 0) > now_ms()
end
