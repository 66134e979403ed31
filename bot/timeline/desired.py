# mypy: disable-error-code="empty-body"
"""Desired state of agents (``ports.DesiredState``): settings with a revision, and which one each agent has read."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from bot.domain.action import Applied, Restraint
from bot.domain.base import Json
from bot.domain.desired import NEUTRAL, TOOL_CLASS, WATCH, AgentState, FlagRead, Setting
from bot.domain.work import Work, WorkItem
from bot.errors import Refused
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script
from bot.timeline.times import moment, ms

_JSON: TypeAdapter[Json] = TypeAdapter(Json)
_MOST_KEY_CHARS: Final = 200


@script
async def put(  # noqa: PLR0913, PLR0917 - each is a local of the script
    redis: Client,
    settings: Key,
    done: Key,
    key: str,
    owner: str,
    field: str,
    guarded: int,
    only_if_key: str,
    removes: int,
    body: bytes,
) -> list[bytes | int]:
    r"""-- Set or remove one setting, once per key, and only while its owner is the expected one.

    -- a stored setting is "<revision> <owner's key>\n<body>"; a removed one leaves nothing
    local before = redis.call('HGET', done, key)
    if before then return {'already', before} end
    local held = redis.call('HGET', settings, field)
    if guarded == 1 then
      local holder = held and string.match(held, '^%d+ ([^\n]*)\n') or ''
      if holder ~= only_if_key then return {'changed', held or ''} end
    end
    local revision = redis.call('HINCRBY', settings, 'revision', 1)
    if removes == 1 then
      redis.call('HDEL', settings, field)
    else
      redis.call('HSET', settings, field, revision .. ' ' .. owner .. '\n' .. body)
    end
    redis.call('HSET', done, key, revision)
    return {'written', tostring(revision)}
    """


@script
async def record_read(
    redis: Client, reads: Key, work: Key, revision: int, now: int, item: bytes, flags: Sequence[str]
) -> int:
    """-- Keep the newest revision read of each flag; tell the worker when it is newer.

    local newer = 0
    for _, flag in ipairs(flags) do
      local before = tonumber(string.match(redis.call('HGET', reads, flag) or '', '^(%d+)') or '-1')
      if revision > before then newer = 1 end
      if revision >= before then redis.call('HSET', reads, flag, revision .. ' ' .. string.format('%.0f', now)) end
    end
    if newer == 1 then redis.call('XADD', work, '*', 'n', '0', 'i', item) end
    return newer
    """


class Desired:
    """The store of ``ports.DesiredState``. Revisions count from 1 per agent and are never given twice."""

    def __init__(self, redis: Client, clock: Clock) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._clock = clock

    async def state(self, agent: str) -> AgentState:
        """All that is set for the agent."""
        stored: dict[bytes, bytes] = await self._redis.call("HGETALL", keys.SETTINGS(agent))
        revision = int(stored.pop(b"revision", b"0"))
        settings = (_setting(field.decode(), raw) for field, raw in stored.items())
        ordered = sorted(settings, key=lambda s: (s.flag, s.element or ""))
        return AgentState(agent=agent, revision=revision, settings=tuple(ordered))

    async def put(
        self,
        agent: str,
        flag: str,
        element: str | None,
        value: Json,
        *,
        key: str,
        restraint: Restraint | None,
        only_if_key: str | None = None,
        owner: str | None = None,
    ) -> Applied:
        """Set one flag or element, or remove it (``value`` None), once per ``key``. See ``ports.DesiredState.put``."""
        if flag not in NEUTRAL and flag not in {TOOL_CLASS, WATCH}:
            raise Refused(f"There is no flag {flag!r}.", field="flag", next_step=f"Use one of {', '.join(NEUTRAL)}.")
        if any(not 1 <= len(one) <= _MOST_KEY_CHARS or "\n" in one for one in (key, owner or key)):
            raise Refused("The idempotency key must be one line of at most 200 characters.", field="key")
        body = _JSON.dump_json(
            {"value": value, "restraint": None if restraint is None else restraint.model_dump(mode="json")}
        )
        status, told = await put(
            self._redis,
            keys.SETTINGS(agent),
            keys.SETTING_KEYS(agent),
            key,
            owner or key,
            _field(flag, element),
            int(only_if_key is not None),
            only_if_key or "",
            int(value is None),
            body,
        )
        if status == b"changed":
            raise _changed(agent, flag, element, told if isinstance(told, bytes) else b"")
        return Applied(revision=int(told), value=value, already=status == b"already", key=key)

    async def reads(self, agent: str) -> Mapping[str, FlagRead]:
        """Newest read of each flag by the agent's own token."""
        stored: dict[bytes, bytes] = await self._redis.call("HGETALL", keys.READS(agent))
        found: dict[str, FlagRead] = {}
        for flag, raw in stored.items():
            revision, _, at = raw.partition(b" ")
            found[flag.decode()] = FlagRead(revision=int(revision), at=moment(int(at)))
        return found

    async def record_read(self, agent: str, flags: Sequence[str], revision: int) -> bool:
        """Note a read. When it is newer than any before, the same script puts AGENT_READ on the work stream."""
        item = WorkItem(kind=Work.AGENT_READ, payload={"agent": agent, "revision": revision})
        known = [flag for flag in flags if flag in NEUTRAL]
        now = ms(self._clock.now())
        body = item.model_dump_json().encode()
        return bool(await record_read(self._redis, keys.READS(agent), keys.WORK(), revision, now, body, known))


def _field(flag: str, element: str | None) -> str:
    return f"f {flag}" if element is None else f"e {flag} {element}"


def _setting(field: str, raw: bytes) -> Setting:
    kind, _, name = field.partition(" ")
    flag, _, element = name.partition(" ")
    head, _, body = raw.partition(b"\n")
    revision, _, key = head.decode().partition(" ")
    content: dict[str, Any] = TypeAdapter(dict[str, Any]).validate_json(body)
    restraint = content["restraint"]
    return Setting(
        flag=flag,
        element=element if kind == "e" else None,
        value=content["value"],
        revision=int(revision),
        restraint=None if restraint is None else Restraint.model_validate(restraint),
        key=key,
    )


def _changed(agent: str, flag: str, element: str | None, held: bytes) -> Refused:
    what = f"{flag}[{element}] of {agent}" if element else f"{flag} of {agent}"
    if not held:
        return Refused(
            f"{what} is no longer what this action set: it was taken back since.",
            next_step="Nothing is left to undo here.",
        )
    now = _setting(_field(flag, element), held)
    who = f"by {now.restraint.by} ({now.restraint.why})" if now.restraint else f"by {now.key}"
    return Refused(
        f"{what} is no longer what this action set: since then it was set to {str(now.value)[:100]!r} {who}.",
        next_step="Undo that one first, or set what you want by a new action.",
    )
