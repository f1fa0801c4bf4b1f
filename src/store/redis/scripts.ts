import { defineScript } from './lua.ts';

// Time is the program's own, handed in; every expiry is compared with it ("expires exactly now" is
// expired). EX is for cleaning alone, and so is all that this server's own clock decides: when that
// jumps, what is gone too early must not be new again. Only a master answers. A server that became
// a replica while we are connected to it would go on reading from what may be long past, but
// refuses to write: so a write that changes nothing stands in front of what may end without one.
// For a single text it is GETEX, which counts as a write.

/**
 * The book of nonces remembers whose it is, and since when it can be relied on. The line of
 * replication is another one after each start of a server, and each time one becomes the master,
 * even if it was that before and never stopped. Whoever restarted or took over may have lost what
 * was written last, the book included: then only a nonce with a later timestamp can be told to be
 * new. `INFO` is all a script can learn that from; where neither this nor the server's own
 * identifier is told, nothing but the loss of the book itself is detected.
 *
 * When this server's clock runs ahead of ours by a minute more than it did, it may have cleaned
 * away what still counts (a thing is kept five minutes longer than it lasts): then nothing is
 * believed to be new that is not later than the latest timestamp that was ever claimed.
 */
const nonceBookFunctions = `
local function infoField(section, field)
  local info = redis.pcall('INFO', section)
  return type(info) == 'string' and string.match(info, field .. ':(%w+)')
end
local function trustedSince(now)
  local line = infoField('replication', 'master_replid') or infoField('server', 'run_id') or 'unknown'
  local book = redis.call('HMGET', KEYS[1], 'line', 'since', 'apart', 'latest')
  local apart = tonumber(redis.call('TIME')[1]) - now
  if book[1] == line then
    local by = apart - tonumber(book[3] or apart)
    if book[3] and by >= -60 and by <= 60 then return tonumber(book[2]) end
    redis.call('HSET', KEYS[1], 'apart', apart)
    if by <= 60 then return tonumber(book[2]) end
    local late = math.max(tonumber(book[2]), now + 1, tonumber(book[4] or 0) + 1)
    redis.call('HSET', KEYS[1], 'since', late)
    return late
  end
  -- Within the second of a change nobody can tell what came before it.
  local since = math.max(tonumber(book[2] or 0), now + 1)
  redis.call('HSET', KEYS[1], 'line', line, 'since', since, 'apart', apart)
  return since
end`;

/** KEYS: the book, the nonce. ARGV: now, the nonce's timestamp, how long it is kept. */
const claimFunctions = `${nonceBookFunctions}
local function claimNonce()
  local at = tonumber(ARGV[2])
  if at < trustedSince(tonumber(ARGV[1])) then return false end
  if tonumber(redis.call('HGET', KEYS[1], 'latest') or 0) < at then redis.call('HSET', KEYS[1], 'latest', at) end
  return redis.call('SET', KEYS[2], '', 'NX', 'EX', ARGV[3])
end`;

/**
 * Opens the book and writes to it. A server that may drop what it holds when it is full would let
 * nonces come again: it answers with its policy.
 */
export const openNonceBook = defineScript(`${nonceBookFunctions}
redis.call('HSET', KEYS[1], 'since', trustedSince(tonumber(ARGV[1])))
local info = redis.pcall('INFO', 'memory')
if type(info) ~= 'string' or string.match(info, 'maxmemory:(%d+)') == '0' then return 'noeviction' end
return string.match(info, 'maxmemory_policy:([%w-]+)') or 'noeviction'`);

export const claimNonce = defineScript(`${claimFunctions}
return claimNonce() and 'first' or 'seen'`);

/** In the order of the record. */
export const temporaryFields = [
  'client',
  'sealed',
  'callback',
  'expires',
  'user',
  'consent',
  'verifier',
  'used',
] as const;

export const saveTemporary = defineScript(`${claimFunctions}
if not claimNonce() then return 'nonce-seen' end
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('DEL', KEYS[2])
  return 'there'
end
redis.call('HSET', KEYS[3], 'client', ARGV[4], 'sealed', ARGV[5], 'callback', ARGV[6], 'expires', ARGV[7])
redis.call('EXPIRE', KEYS[3], ARGV[8])
return 'saved'`);

export const authorizeTemporary = defineScript(`
redis.call('HDEL', KEYS[1], '')
local pair = redis.call('HMGET', KEYS[1], 'expires', 'used', 'user', 'consent', 'verifier')
if not pair[1] or tonumber(pair[1]) <= tonumber(ARGV[1]) or pair[2] then return 'gone' end
if pair[3] and (pair[3] ~= ARGV[2] or pair[4] ~= '' or pair[5] ~= ARGV[4]) then return 'already-authorized' end
redis.call('HSET', KEYS[1], 'user', ARGV[2], 'consent', ARGV[3], 'verifier', ARGV[4], 'expires', ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 'authorized'`);

/**
 * Lua keeps each text once and compares addresses, so the time of the comparison tells nothing of
 * the digests.
 */
export const redeemTemporary = defineScript(`${claimFunctions}
if not claimNonce() then return 'nonce-seen' end
local pair = redis.call('HMGET', KEYS[3], 'expires', 'used', 'verifier', 'consent')
if not pair[1] or tonumber(pair[1]) <= tonumber(ARGV[4]) then return 'gone' end
if pair[2] then return 'already-used' end
if not pair[3] or pair[4] == '' then return 'not-authorized' end
if pair[3] ~= ARGV[5] then return 'wrong-verifier' end
redis.call('HSET', KEYS[3], 'used', '1', 'expires', ARGV[6])
redis.call('EXPIRE', KEYS[3], ARGV[7])
return 'redeemed'`);

/**
 * KEYS: the session, its person's index (digests by expiry). The index lives as long as the longest
 * of its sessions. What is over leaves it by the clock that is behind, five minutes late: a session
 * that is not in it outlives the end of all of them.
 */
export const saveSession = defineScript(`
if not redis.call('SET', KEYS[1], ARGV[2], 'NX', 'EX', ARGV[5]) then return 'there' end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', math.min(tonumber(ARGV[3]), tonumber(redis.call('TIME')[1])) - 300)
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
if redis.call('TTL', KEYS[2]) < tonumber(ARGV[5]) then redis.call('EXPIRE', KEYS[2], ARGV[5]) end
return 'saved'`);

/** KEYS: the session. ARGV: the proof, as JSON. One that ended is not brought back. */
export const recordProof = defineScript(`
local text = redis.call('GETEX', KEYS[1])
if not text then return 'unknown' end
local session = cjson.decode(text)
session.proof = cjson.decode(ARGV[1])
redis.call('SET', KEYS[1], cjson.encode(session), 'XX', 'KEEPTTL')
return 'recorded'`);

/**
 * KEYS: the session, its person's index. What else stands in the session is left as it is; one that
 * has ended is not brought back.
 */
export const noteActivity = defineScript(`
local text = redis.call('GETEX', KEYS[1])
if not text then return 'gone' end
local session = cjson.decode(text)
if (session.activeAt or session.createdAt) >= tonumber(ARGV[2]) then return 'later' end
session.activeAt = tonumber(ARGV[2])
session.expiresAt = tonumber(ARGV[3])
redis.call('SET', KEYS[1], cjson.encode(session), 'EX', ARGV[4])
redis.call('ZADD', KEYS[2], 'XX', ARGV[3], ARGV[1])
if redis.call('TTL', KEYS[2]) < tonumber(ARGV[4]) then redis.call('EXPIRE', KEYS[2], ARGV[4]) end
return 'noted'`);

/** KEYS: the index, then sessions; ARGV: their digests. */
export const endSessions = defineScript(`
for number = 2, #KEYS do
  redis.call('DEL', KEYS[number])
  redis.call('ZREM', KEYS[1], ARGV[number - 1])
end`);

/** KEYS: a hash. ARGV: the names of fields. */
export const readFields = defineScript(`
redis.call('HDEL', KEYS[1], '')
return redis.call('HMGET', KEYS[1], unpack(ARGV))`);

/** KEYS: the index of sessions. ARGV: what ZRANGE is asked. */
export const readIndex = defineScript(`
redis.call('ZREM', KEYS[1], '')
return redis.call('ZRANGE', KEYS[1], unpack(ARGV))`);

/** KEYS: texts. A missing one is null. */
export const readTexts = defineScript(`
local texts = {}
for number = 1, #KEYS do texts[number] = redis.call('GETEX', KEYS[number]) end
return texts`);

/** KEYS: a text. ARGV: what it has to be, what it becomes, how long that is kept. */
export const replaceText = defineScript(`
if redis.call('GETEX', KEYS[1]) ~= ARGV[1] then return 'changed' end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 'replaced'`);

export const incrementCounter = defineScript(`
local limit = redis.call('HMGET', KEYS[1], 'hits', 'ends')
if limit[1] and tonumber(limit[2]) > tonumber(ARGV[1]) then return redis.call('HINCRBY', KEYS[1], 'hits', 1) end
redis.call('HSET', KEYS[1], 'hits', 1, 'ends', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1`);
