# mypy: disable-error-code="empty-body"
"""The one script that writes a timeline. Atomic: no event without its work, no work without its event."""

from collections.abc import Sequence

from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script


@script
async def write(  # noqa: PLR0913, PLR0917 - each is a local of the script
    redis: Client,
    timeline: Key,
    ops: Key,
    claims: Key,
    work: Key,
    due: Key,
    due_items: Key,
    rows: Key,
    row_items: Key,
    open: Key,  # noqa: A002 - the name it has in the script
    dirty: Key,
    later: Key,
    channels: Key,
    messages: Key,
    held: Key,
    held_items: Key,
    held_looks: Key,
    held_misses: Key,
    join: Key,
    joins_over: Sequence[Key],
    traces: Sequence[Key],
    alerts: Sequence[Key],
    waits: Sequence[Key],
    incident: str,
    op: str,
    answer: bytes,
    joining: int,
    seq: int,
    head: str,
    claimed: Sequence[bytes],
    tag: bytes,
    key_id: str,
    entries: Sequence[bytes],
    items: Sequence[bytes],
    dues: Sequence[bytes],
    clear: Sequence[str],
    is_open: int,
    number: int,
    row: bytes,
    rank: int,
    now: int,
    join_until: int,
    join_ms: int,
    trace_ms: int,
    channel_ids: Sequence[str],
    message_ids: Sequence[str],
    waiting: Sequence[str],
    lapsed: Sequence[str],
    restrains: Sequence[bytes],
) -> list[bytes]:
    """-- Write all of it or nothing, once per operation id.

    -- 1. seen: this operation was done; the same answer again, whatever has happened since
    local before = redis.call('HGET', ops, op)
    if before then return {'seen', before} end

    -- 2. preconditions: claims first, so that a loser is told who won and never races for the head
    for i = 1, #claimed, 2 do
      local winner = redis.call('HGET', claims, claimed[i])
      if winner then return {'claimed', winner} end
    end
    if joining == 1 then
      local held = redis.call('GET', join)
      if held then
        local id, til = string.match(held, '^(%S+) (%d+)$')
        if id and tonumber(til) > now and redis.call('ZSCORE', open, id) then return {'joined', id} end
      end
    end
    local last = redis.call('XREVRANGE', timeline, '+', '-', 'COUNT', 1)[1]
    local last_id, last_mac = '0-0', ''
    if last then last_id, last_mac = last[1], last[2][6] end
    if last_id ~= string.format('%.0f-0', seq) or last_mac ~= head then return {'moved', last_id} end

    -- 3. the events
    for i = 1, #entries, 2 do
      seq = seq + 1
      local place = string.format('%.0f-0', seq)
      redis.call('XADD', timeline, place, 'f', tag, 'k', key_id, 'm', entries[i], 'e', entries[i + 1])
    end
    redis.call('HSET', ops, op, answer)
    for i = 1, #claimed, 2 do redis.call('HSET', claims, claimed[i], claimed[i + 1]) end

    -- 4. the work, 5. the due times
    for _, item in ipairs(items) do redis.call('XADD', work, '*', 'n', '0', 'i', item) end
    for _, id in ipairs(clear) do
      redis.call('ZREM', due, id)
      redis.call('HDEL', due_items, id)
    end
    for i = 1, #dues, 3 do
      redis.call('ZADD', due, dues[i + 1], dues[i])
      redis.call('HSET', due_items, dues[i], '0 ' .. dues[i + 2])
    end

    -- indexes and the outbox
    redis.call('ZADD', rows, number, incident)
    redis.call('HSET', row_items, incident, row)
    if is_open == 1 then redis.call('ZADD', open, number, incident) else redis.call('ZREM', open, incident) end
    if joining == 1 then
      redis.call('SET', join, incident .. ' ' .. string.format('%.0f', join_until), 'PX', join_ms)
    end
    for _, key in ipairs(joins_over) do
      local held = redis.call('GET', key)
      if held and string.match(held, '^(%S+)') == incident then redis.call('DEL', key) end
    end
    for _, key in ipairs(traces) do
      redis.call('SADD', key, incident)
      redis.call('PEXPIRE', key, trace_ms)
    end
    for _, key in ipairs(alerts) do
      redis.call('HSET', key, 'incident', incident)
      redis.call('PEXPIRE', key, trace_ms)
    end
    for i, key in ipairs(waits) do
      redis.call(string.sub(waiting[i], 1, 1) == '+' and 'SADD' or 'SREM', key, string.sub(waiting[i], 2))
    end
    for _, id in ipairs(lapsed) do
      redis.call('ZREM', held, id)
      redis.call('ZREM', held_looks, id)
      redis.call('HDEL', held_items, id)
      redis.call('HDEL', held_misses, id)
    end
    for i = 1, #restrains, 3 do
      redis.call('ZADD', held, restrains[i + 1], restrains[i])
      redis.call('HSET', held_items, restrains[i], string.format('%.0f ', seq) .. restrains[i + 2])
      redis.call('ZADD', held_looks, 'NX', now, restrains[i])
    end
    for _, id in ipairs(channel_ids) do redis.call('HSET', channels, id, incident) end
    for _, id in ipairs(message_ids) do redis.call('HSET', messages, id, incident) end
    if rank >= 0 then
      local waits = redis.call('HGET', later, incident)
      if waits and tonumber(string.match(waits, '^(%d+)')) > now then
        redis.call('HSET', later, incident, string.match(waits, '^(%d+)') .. ' ' .. rank)
      else
        redis.call('ZADD', dirty, 'LT', string.format('%.0f', rank * 1e13 + now), incident)
      end
    end
    return {'written', answer}
    """


@script
async def touch_join(redis: Client, join: Key, incident: str, now: int, over_at: int, ttl_ms: int) -> int:
    """-- Extend the join window, unless another incident holds the group.

    local held = redis.call('GET', join)
    local id, til
    if held then id, til = string.match(held, '^(%S+) (%d+)$') end
    if id and id ~= incident and tonumber(til) > now then return 0 end
    redis.call('SET', join, incident .. ' ' .. string.format('%.0f', over_at), 'PX', ttl_ms)
    return 1
    """
