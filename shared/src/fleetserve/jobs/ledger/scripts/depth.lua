-- → how many wait, how many are held.
local queued, running = 0, 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local state = redis.call('HGET', key_of(id), 'state')
  if state == 'running' and is_held(id) then
    running = running + 1
  elseif state and not is_finished(state) then
    queued = queued + 1
  end
end
return { queued, running }
