"""What Redis runs by itself for the live log (common/live_log.py), so that looking and writing are
one step and one round trip. KEYS[1] is the key that each is about."""

# ARGV: attempt, shown (JSON), owner. An older attempt never overwrites a newer one, and `done`
# (the last attempt that has ended) is never cleared.
WRITE_HASH = """
local held = tonumber(redis.call('HGET', KEYS[1], 'attempt') or '0')
if held > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'attempt', ARGV[1], 'shown', ARGV[2], 'owner', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""

# ARGV: attempt, lifetime, and of a reply that is saved: length of the log as it should be, what is
# missing of the text, shown (JSON), lifetime of the text. Marks this attempt as ended, unless a
# newer one is running. What its poll shows from now on is kept only where the log now holds the
# whole reply.
MARK_DONE = """
local held = tonumber(redis.call('HGET', KEYS[1], 'attempt') or '0')
if held > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'done', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
local text = KEYS[1] .. ':' .. ARGV[1] .. ':text'
if ARGV[3] and held > 0 and redis.call('STRLEN', text) == tonumber(ARGV[3]) then
  local length = redis.call('APPEND', text, ARGV[4])
  redis.call('EXPIRE', text, ARGV[6])
  redis.call('HSET', KEYS[1], 'ended', ARGV[5], 'length', length)
end
return 1
"""

# ARGV: expected length, new text, lifetime. Writes nothing unless the log is as long as expected.
APPEND = """
if redis.call('STRLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return -1 end
local length = redis.call('APPEND', KEYS[1], ARGV[2])
if tonumber(ARGV[1]) == 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return length
"""

# ARGV: owner, cursor's attempt, cursor's offset (-1: none), 1 if the owner was only remembered.
# Answers nil unless the hash is there, the caller's, not deleted, and not done or with what an
# ended job shows, and the caller need not be looked up again; else attempt, shown, cancelling,
# length, start, text from start, ended.
READ = """
local hash = redis.call('HMGET', KEYS[1], 'attempt', 'shown', 'owner', 'done', 'ended', 'length')
if not hash[1] or hash[3] ~= ARGV[1] then return nil end
if ARGV[4] == '1' and redis.call('EXISTS', 'look_again:' .. ARGV[1]) == 1 then return nil end
local ended = 0
if hash[4] and tonumber(hash[4]) >= tonumber(hash[1]) then
  if not hash[5] or hash[4] ~= hash[1] then return nil end
  ended = 1
end
local mark = redis.call('GET', KEYS[1] .. ':cancel')
if mark == 'deleted' then return nil end
local text = KEYS[1] .. ':' .. hash[1] .. ':text'
local length = redis.call('STRLEN', text)
if ended == 1 and length ~= tonumber(hash[6]) then return nil end
local start = 0
if ARGV[2] == hash[1] then start = math.min(math.max(tonumber(ARGV[3]), 0), length) end
-- a cursor of ours is at the start of a character; one that somebody made up is moved there
while start > 0 and start < length do
  local byte = string.byte(redis.call('GETRANGE', text, start, start))
  if byte < 128 or byte >= 192 then break end
  start = start - 1
end
return {hash[1], ended == 1 and hash[5] or hash[2], mark and 1 or 0, length, start,
        redis.call('GETRANGE', text, start, -1), ended}
"""
