# mypy: disable-error-code="empty-body"
"""The scripts of the work stream and the due times. An entry holds ``n``, its earlier tries, and ``i``, the item."""

from collections.abc import Sequence

from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script


@script
async def add(redis: Client, work: Key, seen: Key, once: int, ttl_ms: int, item: bytes) -> int:
    """-- Add an item to the stream, with an operation id only once.

    if once == 1 and not redis.call('SET', seen, '1', 'NX', 'PX', ttl_ms) then return 0 end
    redis.call('XADD', work, '*', 'n', '0', 'i', item)
    return 1
    """


@script
async def schedule(redis: Client, due: Key, due_items: Key, at: int, id: str, body: bytes) -> int:  # noqa: A002
    """-- Set or replace a due time.

    redis.call('HSET', due_items, id, body)
    return redis.call('ZADD', due, at, id)
    """


@script
async def unschedule(redis: Client, due: Key, due_items: Key, ids: Sequence[str]) -> int:
    """-- Clear due times.

    local gone = 0
    for _, id in ipairs(ids) do
      gone = gone + redis.call('ZREM', due, id)
      redis.call('HDEL', due_items, id)
    end
    return gone
    """


@script
async def move_due(redis: Client, due: Key, due_items: Key, work: Key, now: int, most: int) -> int:
    """-- Move what is due onto the stream.

    local ids = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)
    for _, id in ipairs(ids) do
      local body = redis.call('HGET', due_items, id)
      if body then
        local tries, item = string.match(body, '^(%d+) (.*)$')
        -- a damaged one is moved as it is, where it is set aside: an error here would hold up everything that is due
        if not tries then tries, item = '0', body end
        redis.call('XADD', work, '*', 'n', tries, 'i', item)
      end
      redis.call('ZREM', due, id)
      redis.call('HDEL', due_items, id)
    end
    return #ids
    """


@script
async def renew(redis: Client, work: Key, group: str, consumer: str, ids: Sequence[str]) -> list[bytes]:
    """-- Keep the leases that are still ours: a plain XCLAIM would take the others back from who took them over.

    local kept = {}
    for _, id in ipairs(ids) do
      local pending = redis.call('XPENDING', work, group, id, id, 1)[1]
      if pending and pending[2] == consumer then
        redis.call('XCLAIM', work, group, consumer, 0, id, 'JUSTID')
        kept[#kept + 1] = id
      end
    end
    return kept
    """


@script
async def takeover(redis: Client, work: Key, group: str, consumer: str, idle_ms: int, most: int) -> list[list[object]]:
    """-- Take entries that nobody renewed; each as id, fields, deliveries by the group.

    local taken, cursor = {}, '0-0'
    repeat
      local reply = redis.call('XAUTOCLAIM', work, group, consumer, idle_ms, cursor, 'COUNT', most - #taken)
      cursor = reply[1]
      for _, entry in ipairs(reply[2]) do
        if entry and entry[2] then
          local pending = redis.call('XPENDING', work, group, entry[1], entry[1], 1)[1]
          taken[#taken + 1] = {entry[1], entry[2], pending and pending[4] or 1}
        end
      end
    until cursor == '0-0' or #taken >= most
    return taken
    """


@script
async def done(redis: Client, work: Key, group: str, id: str) -> int:  # noqa: A002
    """-- Take an entry off the stream.

    local acknowledged = redis.call('XACK', work, group, id)
    redis.call('XDEL', work, id)
    return acknowledged
    """


@script
async def retry(
    redis: Client,
    work: Key,
    due: Key,
    due_items: Key,
    group: str,
    id: str,  # noqa: A002 - the name it has in the script
    at: int,
    body: bytes,
) -> int:
    """-- Turn a pending entry into a due time; nothing when it is not pending any more.

    if redis.call('XACK', work, group, id) == 0 then return 0 end
    redis.call('XDEL', work, id)
    redis.call('HSET', due_items, 'retry:' .. id, body)
    redis.call('ZADD', due, at, 'retry:' .. id)
    return 1
    """


@script
async def bury(  # noqa: PLR0913, PLR0917 - each is a local of the script
    redis: Client,
    work: Key,
    dead: Key,
    front: Key,
    group: str,
    id: str,  # noqa: A002 - the name it has in the script
    item: bytes,
    reason: str,
    at: int,
    told: Sequence[bytes],
) -> int:
    """-- Move a pending entry to the dead ones and tell people; nothing when it is not pending any more.

    if redis.call('XACK', work, group, id) == 0 then return 0 end
    redis.call('XDEL', work, id)
    redis.call('XADD', dead, 'MAXLEN', '~', 10000, '*', 'i', item, 'reason', reason, 'at', string.format('%.0f', at))
    for _, message in ipairs(told) do redis.call('XADD', front, '*', 'n', '0', 'i', message) end
    return 1
    """


@script
async def forget_consumer(redis: Client, work: Key, group: str, consumer: str) -> int:
    """-- Remove a consumer, but only one that holds nothing: what it holds would be dropped with it.

    if #redis.call('XPENDING', work, group, '-', '+', 1, consumer) > 0 then return 0 end
    redis.call('XGROUP', 'DELCONSUMER', work, group, consumer)
    return 1
    """
