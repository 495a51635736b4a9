"""What Redis is asked to do, each in one step that nothing can come between.

Knows Redis' Lua (Redis documentation, "Scripting with Lua") and the keys of the cache. Must not know how a
script is sent.

A place has two keys: a hash with its values by variant (`v...`), the lease of those who read it (`l`) and
the generation that it belongs to (`g`); and a sorted set of writes by the time when each is given up, with
`-` for the time until which reads have to be consistent. Two more keys hold the generation of a scope and of
the whole cache: with a new one all that was kept before is void. Where one of them is missing a new one is
made, so that nothing comes back when Redis has evicted it.
"""

from __future__ import annotations

from hashlib import sha1
from typing import Final

_COMMON = """
local place, writes, scope, all = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function generation(key, token)
    local found = redis.call('GET', key)
    if not found then
        found = token .. ':' .. string.format('%d', now)
        redis.call('SET', key, found)
    end
    return found
end

local function generations(token)
    return generation(all, token) .. ',' .. generation(scope, token)
end

local function writers()
    local count = redis.call('ZCOUNT', writes, '(' .. now, '+inf')
    local settling = redis.call('ZSCORE', writes, '-')
    if settling and tonumber(settling) > now then count = count - 1 end
    return count
end

local function last(key, milliseconds)
    if redis.call('PTTL', key) < tonumber(milliseconds) then redis.call('PEXPIRE', key, milliseconds) end
end

local function keep(variant, value, milliseconds)
    local left = redis.call('PTTL', place)
    local others = redis.call('HEXISTS', place, 'n') == 1
    redis.call('HSET', place, 'v' .. variant, value, 'n', 1)
    if not others or left > tonumber(milliseconds) then redis.call('PEXPIRE', place, milliseconds) end
end
"""

# variant, token, hold ms, settle ms -> {1, value, ms left} or {0, lease or "", whether to read consistently}
_READ = """
local variant, token, hold, settle = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local current = generations(token)
local found = redis.call('HMGET', place, 'g', 'v' .. variant, 'l')
if found[1] == current then
    if found[2] then return {1, found[2], redis.call('PTTL', place)} end
elseif found[1] then
    redis.call('DEL', place)
    found[3] = false
end
local settling = redis.call('ZSCORE', writes, '-')
local recent = settling and tonumber(settling) > now
for made in string.gmatch(current, ':(%d+)') do
    recent = recent or now < tonumber(made) + settle
end
if writers() > 0 then return {0, '', recent and 1 or 0} end
local lease = found[3]
if not lease then
    lease = token
    redis.call('HSET', place, 'g', current, 'l', lease)
    redis.call('PEXPIRE', place, hold)
end
return {0, lease, recent and 1 or 0}
"""

# variant, token, lease, value, ms -> whether it was kept
_STORE = """
local variant, token, lease, value, milliseconds = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local found = redis.call('HMGET', place, 'g', 'l')
if found[1] ~= generations(token) or found[2] ~= lease or writers() > 0 then return 0 end
keep(variant, value, milliseconds)
return 1
"""

# token, hold ms, channel, message
_BEGIN = """
local token, hold, channel, message = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('ZREMRANGEBYSCORE', writes, '-inf', now)
local alone = writers() == 0
redis.call('DEL', place)
redis.call('ZADD', writes, now + hold, token)
last(writes, hold)
if alone then
    redis.call('HSET', place, 'g', generations(token), 'l', token)
    redis.call('PEXPIRE', place, hold)
end
redis.call('PUBLISH', channel, message)
"""

# token, 1 for a known outcome, hold ms, settle ms, channel, message[, variant, value, ms] -> whether kept
_END = """
local token, known, hold, settle, channel, message = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local held = redis.call('ZSCORE', writes, token)
local guarded = held and tonumber(held) > now
local found = redis.call('HMGET', place, 'g', 'l')
local alone = found[1] == generations(token) and found[2] == token
redis.call('DEL', place)
if known == '1' then redis.call('ZREM', writes, token) else redis.call('ZADD', writes, now + hold, token) end
redis.call('ZADD', writes, now + settle, '-')
last(writes, known == '1' and settle or hold)
last(writes, settle)
if not guarded then redis.call('PUBLISH', channel, message) end
if known == '1' and guarded and alone and ARGV[7] then
    redis.call('HSET', place, 'g', found[1], 'l', token .. 'e')
    keep(ARGV[7], ARGV[8], ARGV[9])
    return 1
end
return 0
"""

# the key of a generation; token, channel, message
_RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. string.format('%d', now))
redis.call('PUBLISH', ARGV[2], ARGV[3])
"""

READ: Final = _COMMON + _READ
STORE: Final = _COMMON + _STORE
BEGIN: Final = _COMMON + _BEGIN
END: Final = _COMMON + _END
RENEW: Final = _RENEW

SCRIPTS: Final = (READ, STORE, BEGIN, END, RENEW)
NAMES: Final = {script: sha1(script.encode(), usedforsecurity=False).hexdigest() for script in SCRIPTS}
