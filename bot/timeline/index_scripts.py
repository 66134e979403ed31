# mypy: disable-error-code="empty-body"
"""The scripts of the index of runs: each is bounded by the signatures of one run, or by the keys that it is given."""

from collections.abc import Sequence

from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script


@script
async def put_run(  # noqa: PLR0913, PLR0917 - each is a local of the script
    redis: Client,
    record: Key,
    agents: Key,
    all: Key,  # noqa: A002 - the name of a local in the script
    failed: Key,
    kind: Key,
    signs: Sequence[Key],
    signs_failed: Sequence[Key],
    gone: Sequence[Key],
    texts: Sequence[Key],
    spreads: Sequence[Key],
    expected: str,
    name: str,
    member: bytes,
    at: int,
    bad: int,
    data: bytes,
    ttl_ms: int,
    oldest: int,
    most_runs: int,
    most_alike: int,
    values: Sequence[str],
) -> list[int]:
    """-- Replace what is indexed of a run, unless somebody else did since; which texts are not kept (from 1).

    local held = redis.call('GET', record)
    if (held and redis.sha1hex(held) or '') ~= expected then return {0} end
    redis.call('SET', record, data, 'PX', ttl_ms)
    local time = string.format('%.0f', at)
    -- A set lives by its newest run: an archive that is replayed is as old as it is, and compared with itself.
    local function enter(key, most)
      redis.call('ZADD', key, time, member)
      local newest = tonumber(redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2])
      local edge = newest < oldest and newest - ttl_ms or oldest
      redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', edge))
      redis.call('ZREMRANGEBYRANK', key, 0, -(most + 1))
      redis.call('PEXPIRE', key, ttl_ms)
    end
    for i = 1, #gone do redis.call('ZREM', gone[i], member) end
    redis.call('ZADD', agents, string.format('%.0f', oldest + ttl_ms), name)
    redis.call('ZREMRANGEBYSCORE', agents, '-inf', string.format('(%.0f', oldest))
    redis.call('PEXPIRE', agents, ttl_ms)
    enter(all, most_runs)
    enter(kind, most_runs)
    if bad == 1 then enter(failed, most_runs) else redis.call('ZREM', failed, member) end
    for i = 1, #signs do
      enter(signs[i], most_alike)
      if bad == 1 then enter(signs_failed[i], most_alike) else redis.call('ZREM', signs_failed[i], member) end
    end
    for i = 1, #spreads do
      redis.call('PFADD', spreads[i], values[i])
      redis.call('PEXPIRE', spreads[i], ttl_ms)
    end
    local answer = {1}
    for i = 1, #texts do
      if redis.call('PEXPIRE', texts[i], ttl_ms) == 0 then answer[#answer + 1] = i end
    end
    return answer
    """


@script
async def counted(
    redis: Client,
    all: Sequence[Key],  # noqa: A002
    failed: Sequence[Key],
    since: int,
    oldest: int,
    ttl_ms: int,
) -> list[list[bytes | int]]:
    """-- Of each set: how many runs, how many of them failed, and when the first ended (empty: none).

    -- What is past its life does not count, also in a set that was not written to (and so not trimmed) since.
    local found = {}
    for i = 1, #all do
      local newest = tonumber(redis.call('ZREVRANGE', all[i], 0, 0, 'WITHSCORES')[2] or '0')
      local edge = newest < oldest and newest - ttl_ms or oldest
      local from = string.format('%.0f', math.max(since, edge))
      local first = redis.call('ZRANGEBYSCORE', all[i], from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      local runs = redis.call('ZCOUNT', all[i], from, '+inf')
      found[i] = {runs, redis.call('ZCOUNT', failed[i], from, '+inf'), first[2] or ''}
    end
    return found
    """
