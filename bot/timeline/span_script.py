# mypy: disable-error-code="empty-body"
"""The script that stores spans: their cap, who gives way over it, and the due times that they arm."""

from collections.abc import Sequence

from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script


@script
async def upsert(  # noqa: PLR0913, PLR0917 - each is a local of the script
    redis: Client,
    spans: Key,
    meta: Key,
    spare: Key,
    runs: Key,
    incidents: Key,
    due: Key,
    due_items: Key,
    later: Key,
    later_items: Key,
    trace: str,
    agent: str,
    sure: int,
    owner: str,
    now: int,
    ttl_ms: int,
    most_spans: int,
    most_bytes: int,
    full_bytes: int,
    final: int,
    most_runs: int,
    ended: int,
    arrived: bytes,
    index: bytes,
    records: Sequence[bytes],
) -> list[int | bytes]:
    """-- Store spans under their ids; index a new trace; arm the due times. One call takes about 1 MB at most.

    -- records: span id, rank, number of parts, parts...
    -- spare: what gives way over the cap, by rank and then the newest first.
    local time = string.format('%.0f', now)
    local count = tonumber(redis.call('HGET', meta, 'spans') or '0')
    local bytes = tonumber(redis.call('HGET', meta, 'bytes') or '0')
    local stored, dropped, evicted, cut = 0, 0, 0, 0
    local lost = {0, 0, 0}
    local long = {}

    local function size_of(id, part)
      return redis.call('HSTRLEN', spans, part == 0 and id or (id .. '/' .. part))
    end
    local function held(id)
      local whole, part = 0, 0
      repeat
        local size = size_of(id, part)
        whole, part = whole + size, part + 1
      until size == 0
      return whole
    end
    local function forget(id)
      local part = 0
      while redis.call('HDEL', spans, part == 0 and id or (id .. '/' .. part)) == 1 do part = part + 1 end
    end
    local function make_room(id, rank, size, known, limit)
      while (known == 0 and count >= most_spans) or bytes + size - known > limit do
        local last = redis.call('ZREVRANGE', spare, 0, 0, 'WITHSCORES')
        if not last[1] then return false end
        local its = math.floor(tonumber(last[2]) / 1e9)
        if its <= rank or last[1] == id then return false end
        bytes, count, evicted = bytes - held(last[1]), count - 1, evicted + 1
        lost[its + 1] = lost[its + 1] + 1
        forget(last[1])
        redis.call('ZREM', spare, last[1])
      end
      return true
    end

    local at = 1
    while at <= #records do
      local id, rank, parts = records[at], tonumber(records[at + 1]), tonumber(records[at + 2])
      local size, known = 0, held(id)
      for p = 1, parts do size = size + #records[at + 2 + p] end
      local limit = rank == 0 and most_bytes or full_bytes
      if size > known and not make_room(id, rank, size, known, limit) then
        if final == 0 and size > 400 and (known > 0 or count < most_spans) then
          long[#long + 1] = id
        elseif known == 0 then
          dropped = dropped + 1
          lost[rank + 1] = lost[rank + 1] + 1
        end
      else
        if known == 0 then count = count + 1 end
        bytes = bytes + size - known
        if known > 0 then forget(id) end
        for p = 1, parts do
          redis.call('HSET', spans, p == 1 and id or (id .. '/' .. (p - 1)), records[at + 2 + p])
        end
        if rank == 0 then redis.call('ZREM', spare, id)
        else redis.call('ZADD', spare, string.format('%.0f', rank * 1e9 + count), id) end
        stored, cut = stored + 1, cut + final
      end
      at = at + 3 + parts
    end

    redis.call('HSETNX', meta, 'first', time)
    redis.call('HSET', meta, 'last', time, 'spans', count, 'bytes', string.format('%.0f', bytes))
    if owner ~= '' then redis.call('HSETNX', meta, 'owner', owner) end
    if agent ~= '' then
      if redis.call('ZADD', runs, 'NX', redis.call('HGET', meta, 'first'), trace) == 1 then
        redis.call('ZREMRANGEBYRANK', runs, 0, -(most_runs + 1))
      end
      -- An agent's own token that joins a trace does not rename the agent that the trace named before.
      local joins = owner ~= '' and redis.call('HGET', meta, 'named') == '1'
      if sure == 1 and not joins then redis.call('HSET', meta, 'agent', agent, 'named', '1')
      else redis.call('HSETNX', meta, 'agent', agent) end
      redis.call('PEXPIRE', runs, ttl_ms)
    end
    if dropped + evicted > 0 then
      redis.call('HINCRBY', meta, 'dropped', dropped + evicted)
      if lost[1] > 0 then redis.call('HINCRBY', meta, 'lost_first', lost[1]) end
      if lost[2] > 0 then redis.call('HINCRBY', meta, 'lost_model', lost[2]) end
    end
    if cut > 0 then redis.call('HINCRBY', meta, 'shortened', cut) end
    for _, key in ipairs({meta, spans, spare}) do redis.call('PEXPIRE', key, ttl_ms) end

    -- Told soon after the last batch, and at the latest some time after the first untold one. Who goes on sending for
    -- long is told less and less often, until the root comes; a root that is sent with every batch ends nothing.
    local ends = ended == 0 and 0 or redis.call('HINCRBY', meta, 'ends', 1)
    local function arm(lane, items, id, item, quiet, patience, free, most_quiet, most_patience)
      local field = string.match(id, '^%a+')
      local since = now
      if redis.call('ZSCORE', lane, id) then
        since = tonumber(redis.call('HGET', meta, field .. ':since') or time)
      else
        redis.call('HINCRBY', meta, field .. ':times', 1)
      end
      local slower = 2 ^ math.min(math.max(tonumber(redis.call('HGET', meta, field .. ':times') or '1') - free, 0), 10)
      redis.call('HSET', meta, field .. ':since', string.format('%.0f', since))
      if ends == 0 or ends > 3 then quiet = math.min(quiet * slower, most_quiet) end
      local at = math.min(now + quiet, since + math.min(patience * slower, most_patience))
      redis.call('ZADD', lane, string.format('%.0f', at), id)
      redis.call('HSET', items, id, '0 ' .. item)
    end
    if stored > 0 and redis.call('EXISTS', incidents) == 1 then
      arm(due, due_items, 'spans:' .. trace, arrived, 1000, 5000, 4, 30000, 300000)
    end
    if stored > 0 and (agent ~= '' or redis.call('HEXISTS', meta, 'agent') == 1) then
      arm(later, later_items, 'index:' .. trace, index, 10000, 60000, 2, 60000, 600000)
    end

    local answer = {dropped}
    for _, id in ipairs(long) do answer[#answer + 1] = id end
    return answer
    """
