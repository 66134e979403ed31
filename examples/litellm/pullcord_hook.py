"""Pullcord's restraints at a LiteLLM proxy. Copy this one file beside ``config.yaml``; see README.md.

It is longer than our other files because LiteLLM loads a callback as one module: one file to copy is worth more here.

A thread of its own reads what restrains each agent (OFREP bulk evaluation, ETag) every two seconds. No request ever
waits for Pullcord, and none fails because Pullcord hangs, answers nonsense or is gone: the last known state stands, in
memory and on disk, and an agent that nobody restrained just goes on.
"""

import json
import logging
import math
import os
import re
import secrets
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

try:  # both come with LiteLLM's proxy; without it (our own tests) the decisions can still be asked for
    from fastapi import HTTPException  # type: ignore[import-not-found,unused-ignore]
    from litellm.integrations.custom_logger import CustomLogger  # type: ignore[import-not-found,unused-ignore]
except ImportError:  # pragma: no cover - depends on what is installed
    from starlette.exceptions import HTTPException

    CustomLogger = object  # type: ignore[misc,unused-ignore]
try:
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry
except ImportError:  # pragma: no cover - LiteLLM brings it; without it a bounded tool is refused, and says so
    Draft202012Validator = None  # type: ignore[assignment,misc,unused-ignore]

_log = logging.getLogger("pullcord.litellm")
NEUTRAL: Final[dict[str, Any]] = {
    "agent.model": "",
    "agent.fallback_model": "",
    "agent.paused": False,
    "agent.tools.denied": {"tools": []},
    "agent.validation": {},
    "agent.prompt.suffix": "",
}
_MOST_BYTES: Final = 1_000_000
_MARK: Final = "pullcord_agent"
_CHAT: Final = frozenset({"completion", "acompletion"})
"""Call types whose answers are checked. Elsewhere a bounded tool is taken out of the request instead."""
_TEXTS: Final = _CHAT | {
    *("text_completion", "atext_completion", "responses", "aresponses", "anthropic_messages", "aanthropic_messages"),
}
"""Call types that a model answers with text, and that are understood here: all but a pause applies to them."""
_UNHELD: Final = frozenset(
    {
        *("_arealtime", "_aresponses_websocket", "pass_through_endpoint", "allm_passthrough_route"),
        *("generate_content", "agenerate_content", "generate_content_stream", "agenerate_content_stream"),
        *("create_batch", "acreate_batch", "run_thread", "arun_thread", "run_thread_stream", "arun_thread_stream"),
        *("a2a_send_message", "asend_message"),
    }
)
"""Call types by which a model or a tool is reached unseen: refused while anything restrains the agent."""
_FALLBACKS: Final = frozenset({"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "models"})
_OURS: Final = frozenset(
    {
        *("model", "models", "fallbacks", "messages", "system", "instructions", "input", "prompt"),
        *("tools", "tool_choice", "functions", "function_call", "mcp_servers"),
    }
)
"""What a request may not say once more in ``extra_body``, which goes to the provider as it is."""
_NUMBER: Final = ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf")
_TEXT: Final = ("maxLength", "minLength", "pattern")
_HOLDS: Final = frozenset(
    {
        *("items", "additionalProperties", "contains", "allOf", "anyOf", "oneOf", "prefixItems", "then", "else"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
"""Keywords whose schemas bound what is inside."""
_OLD: Final = -1
"""The place of a ``function_call``, which was there before there were tools, and comes alone."""
_LONGEST_MATCHED: Final = 10_000
"""Characters of a text that a pattern is tried on."""


@dataclass(frozen=True)
class Known:
    """What is known of one agent: its flags, the answer's tag, and since when Pullcord has not confirmed it."""

    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    etag: str | None = None
    read_at: str = ""
    problem: str = ""

    def value(self, key: str) -> Any:
        """A flag's value; the neutral one where nothing is known."""
        return self.flags.get(key, {}).get("value", NEUTRAL[key])

    @property
    def restrains(self) -> bool:
        """Whether anything is set."""
        return any(self.value(key) != neutral for key, neutral in NEUTRAL.items())

    @property
    def revision(self) -> int:
        """The newest revision that the flags name; 0 when none was ever read."""
        named = [flag.get("metadata", {}).get("revision") for flag in self.flags.values()]
        return max((r for r in named if isinstance(r, int)), default=0)

    def denied(self) -> list[str]:
        """Tools that were taken from the agent."""
        return list(self.value("agent.tools.denied")["tools"])

    def bounds(self) -> dict[str, Any]:
        """A JSON Schema of the arguments by tool."""
        return dict(self.value("agent.validation"))

    def because(self, key: str, element: str = "") -> str:
        """Who, in which incident, until when and why, as one sentence for a caller or a model."""
        told = self.flags.get(key, {}).get("metadata", {})
        element = element.replace("%", "%25").replace("#", "%23") if key == "agent.validation" else element
        prefixes = [
            f"tool.{element}.",
            *sorted({k.rpartition(".")[0] + "." for k in told if k.startswith(f"tool.{element}#")}),
        ]
        prefix = next((p for p in prefixes if element and any(k.startswith(p) for k in told)), "")
        by, incident, until, why = (_clean(told.get(prefix + n, "")) for n in ("by", "incident", "until", "why"))
        who = " ".join(part for part in (by and f"by {by}", incident and f"in {incident}") if part)
        end = f"until {until}" if until else "until somebody lifts it"
        return f"{who + ', ' if who else ''}{end}. Reason: {why.rstrip('.') or 'not given'}."


class Reader:
    """Keeps ``Known`` of every agent fresh, from a thread of its own, and keeps the last one over an outage."""

    def __init__(
        self, url: str, tokens: Mapping[str, str], folder: Path, every: float, timeout: float, unknown: str
    ) -> None:
        """``tokens``: agent -> its own token. ``unknown`` is what an unreadable state file means: pause or proceed."""
        self._url = f"{url.rstrip('/')}/ofrep/v1/evaluate/flags"
        self._tokens, self._folder, self._every, self._timeout = dict(tokens), folder, every, timeout
        self._known = {agent: self._load(agent, unknown) for agent in tokens}
        self._first = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._lock = threading.Lock()

    def known(self, agent: str) -> Known:
        """What is known now. Never waits, never raises; starts the thread again where a fork lost it."""
        if self._thread is None or self._pid != os.getpid() or not self._thread.is_alive():
            self.start()
        return self._known.get(agent, Known())

    def start(self, wait: float = 0.0) -> None:
        """Begin to read; wait at most this long (seconds) for the first round."""
        with self._lock:
            if self._thread is None or self._pid != os.getpid() or not self._thread.is_alive():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._run, name="pullcord", daemon=True)
                self._thread.start()
        self._first.wait(wait)

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()

    def _run(self) -> None:
        with httpx.Client(timeout=self._timeout, trust_env=False) as client:
            while not self._stop.is_set():
                for agent, token in self._tokens.items():
                    before = self._known[agent]
                    try:
                        after = self._read(client, agent, token, before)
                    except Exception as error:  # noqa: BLE001 - whatever it is, the last known state stands
                        after = Known(before.flags, None, before.read_at, f"{type(error).__name__}: {error}"[:200])
                    if bool(after.problem) != bool(before.problem):
                        _log.warning("%s: %s", agent, after.problem or "Pullcord answers again")
                    self._known[agent] = after
                    if after.flags != before.flags or (after.etag and not os.path.exists(self._file(agent))):  # noqa: PTH110 - never raises
                        self._save(agent, after)
                self._first.set()
                self._stop.wait(self._every)

    def _read(self, client: httpx.Client, agent: str, token: str, before: Known) -> Known:
        headers = {"authorization": f"Bearer {token}", **({"if-none-match": before.etag} if before.etag else {})}
        body = bytearray()
        with client.stream("POST", self._url, json={"context": {"targetingKey": agent}}, headers=headers) as response:
            end = datetime.now(UTC).timestamp() + 2 * self._timeout
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES or datetime.now(UTC).timestamp() > end:
                    raise ValueError("the answer is too large or too slow")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        if response.status_code == 304 and before.etag:
            return Known(before.flags, before.etag, now)
        if response.status_code != 200:
            raise ValueError(f"Pullcord answered {response.status_code}")
        flags, problems = dict(before.flags), []
        entries = {entry["key"]: entry for entry in json.loads(body)["flags"]}
        for key in NEUTRAL:
            if _readable(key, entries.get(key)):
                flags[key] = {"value": entries[key]["value"], "metadata": entries[key].get("metadata") or {}}
            else:
                problems.append(key)  # it keeps its last known value: unreadable never means unrestrained
        if problems:
            return Known(flags, None, before.read_at, f"not readable: {', '.join(problems)}")
        return Known(flags, response.headers.get("etag"), now)

    def _file(self, agent: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', agent)[:80]}-{agent.encode().hex()[-16:]}.json"

    def _load(self, agent: str, unknown: str) -> Known:
        path = self._file(agent)
        try:
            kept = json.loads(path.read_bytes())
            if kept["agent"] != agent or not all(_readable(key, kept["flags"].get(key)) for key in kept["flags"]):
                raise ValueError("it is not what this hook writes")
            return Known(kept["flags"], None, kept["read_at"], "not read since the start")
        except FileNotFoundError:
            return Known(problem="not read since the start")
        except Exception as error:  # noqa: BLE001 - any damage means that the last state is not known
            _log.error("The state file %s cannot be read (%s): %s", path, error, unknown)
        if unknown == "proceed":
            return Known(problem="its state file cannot be read")
        why = f"the state file {path.name} of the gateway cannot be read and Pullcord has not answered yet"
        return Known({"agent.paused": {"value": True, "metadata": {"by": "the gateway", "why": why}}}, problem=why)

    def _save(self, agent: str, known: Known) -> None:
        path = self._file(agent)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                json.dump({"agent": agent, "read_at": known.read_at, "flags": known.flags}, out)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            _log.error("The state file %s cannot be written (%s): a restart forgets the state", path, error)


class PullcordHook(CustomLogger):  # type: ignore[misc] # LiteLLM is not installed where our types are checked
    """LiteLLM's callbacks. LiteLLM calls only what is defined in the class itself."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """``settings`` is what README.md calls ``pullcord_hook.yaml``. Raises ValueError for what cannot be meant."""
        super().__init__()
        if extra := set(settings) - {"url", "state_dir", "every", "timeout", "identify_by", "when_unknown", "agents"}:
            raise ValueError(f"pullcord_hook.yaml: there is no setting {', '.join(sorted(extra))}")
        self._agents = {name: dict(one or {}) for name, one in settings["agents"].items()}
        self._by = list(settings.get("identify_by") or ("key_alias", "key_metadata", "model"))
        if unmeant := set(self._by) - {"key_alias", "key_metadata", "model", "metadata"}:
            raise ValueError(f"pullcord_hook.yaml: identify_by cannot be {', '.join(sorted(unmeant))}")
        if (unknown := settings.get("when_unknown", "pause")) not in {"pause", "proceed"}:
            raise ValueError("pullcord_hook.yaml: when_unknown is pause or proceed")
        self._aliases = {alias: name for name, one in self._agents.items() for alias in one.get("keys") or (name,)}
        self._models = {model: name for name, one in self._agents.items() for model in one.get("models") or ()}
        self.reader = Reader(
            settings["url"],
            {name: _secret(one["token"]) for name, one in self._agents.items()},
            Path(settings["state_dir"]),
            float(settings.get("every", 2)),
            float(settings.get("timeout", 2)),
            unknown,
        )
        self.reader.start(wait=3.0)

    def agent_of(self, key: Any, data: Mapping[str, Any]) -> str | None:
        """Which agent asks: the first way of ``identify_by`` that names one of ours. None: not ours to restrain."""
        said = _object(data.get("metadata"))
        ways = {
            "key_alias": self._aliases.get(str(getattr(key, "key_alias", None))),
            "key_metadata": _object(getattr(key, "metadata", None)).get("agent"),
            "model": self._models.get(str(data.get("model"))),
            "metadata": said.get("agent") or _object(said.get("requester_metadata")).get("agent"),
        }
        named = (ways[way] for way in self._by)
        return next((name for name in named if isinstance(name, str) and name in self._agents), None)

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Any:
        """Apply what restrains the agent to one request, before LiteLLM routes it. Never waits for Pullcord."""
        del cache
        agent = self.agent_of(user_api_key_dict, data)
        if agent is None:
            return data
        known = self.reader.known(agent)
        _marks(data)[_MARK] = {"agent": agent, "removed": [], "revision": known.revision}
        if not known.restrains:
            return data
        try:
            return self._restrain(agent, known, data, call_type)
        except HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - a request that cannot be read must not pass a restraint by
            _log.exception("%s: the request could not be read", agent)
            raise _refuse(
                400, f"{agent} is restrained, and this request cannot be read for it: {error}"[:300]
            ) from None

    def _restrain(self, agent: str, known: Known, data: dict[str, Any], call_type: str) -> dict[str, Any]:
        if known.value("agent.paused") is True:
            raise _refuse(503, f"{agent} is paused {known.because('agent.paused')}")
        if call_type == "call_mcp_tool":  # LiteLLM's own MCP gateway: here the call itself can be refused
            reason = self.refused(agent, str(data.get("mcp_tool_name")), data.get("mcp_arguments"))
            if reason is not None:
                raise _refuse(403, reason)
            return data
        if call_type in _UNHELD:
            raise _refuse(403, f"{agent} is restrained, which cannot be held on this kind of request ({call_type})")
        if call_type not in _TEXTS:
            return data  # embeddings, images, files: no model of theirs is pinned and no tool of theirs is denied
        _narrow(data)
        gone = set(known.denied()) | (set() if call_type in _CHAT else set(known.bounds()))
        if gone:
            self._without(agent, known, gone, data)
        _route(known, data)
        if suffix := known.value("agent.prompt.suffix"):
            _add_text(data, suffix, call_type)
        return data

    def _without(self, agent: str, known: Known, gone: set[str], data: dict[str, Any]) -> None:
        """Take tools out of the request; a request that insists on one of them is refused."""
        choice = data.get("tool_choice") or data.get("function_call")
        forced = _tool_name(choice) if isinstance(choice, dict) else None
        if forced in gone:
            denied = forced in known.denied()
            why = known.because("agent.tools.denied" if denied else "agent.validation", forced)
            held = "is denied" if denied else "is bounded, which cannot be checked on this endpoint; it is not offered"
            raise _refuse(403, f"The tool {forced} {held} to {agent} {why}")
        if data.pop("mcp_servers", None):  # Anthropic's way to let the provider call tools by itself
            _marks(data)[_MARK]["removed"].append("mcp")
        for name in ("tools", "functions"):
            offered = data.get(name)
            if not offered:
                continue
            kept = [left for tool in offered if (left := _left_of(tool, gone)) is not None]
            removed = [_tool_name(tool) or "mcp" for tool in offered if _left_of(tool, gone) != tool]
            _marks(data)[_MARK]["removed"] += removed
            data[name] = kept
            if not kept:
                for left in (name, "tool_choice", "function_call", "parallel_tool_calls"):
                    data.pop(left, None)  # providers refuse an empty list, and a choice among none

    def refused(self, agent: str, name: str, arguments: Any) -> str | None:
        """Why a tool call that a model made may not reach the agent; None when it may."""
        known = self.reader.known(agent)
        if name in known.denied():
            return f"The tool {name} is denied to {agent} {known.because('agent.tools.denied', name)}"
        schema = known.bounds().get(name)
        if schema is None:
            return None
        fault = broken(schema, arguments)
        if fault is None:
            return None
        return f"A call of {name} was held back: {fault}. Bounded {known.because('agent.validation', name)}"

    async def async_post_call_success_hook(self, data: dict[str, Any], user_api_key_dict: Any, response: Any) -> Any:
        """Take refused tool calls out of a whole answer; the reason becomes text of the message."""
        agent = self._marked(data, user_api_key_dict)
        if agent is None or not self.reader.known(agent).restrains:
            return response
        try:
            return self._held_back(agent, response)
        except Exception as error:
            _log.exception("%s: the answer could not be read", agent)
            raise _refuse(502, f"{agent} is restrained, and this answer cannot be read for it") from error

    def _held_back(self, agent: str, response: Any) -> Any:
        for choice in getattr(response, "choices", None) or []:
            message = getattr(choice, "message", None)
            calls = list(getattr(message, "tool_calls", None) or [])
            reasons = [self.refused(agent, *_called(call)) for call in calls]
            old = getattr(message, "function_call", None)  # before there were tools
            if message is not None and old and (reason := self.refused(agent, *_called({"function": old}))):
                message.function_call = None
                reasons.append(reason)
                calls.append(old)
            if message is None or not any(reasons):
                continue
            kept = [call for call, reason in zip(calls, reasons, strict=True) if reason is None]
            message.tool_calls = kept or None
            message.content = "\n".join(filter(None, [message.content, *dict.fromkeys(filter(None, reasons))]))
            if not kept:
                choice.finish_reason = "stop"
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """Let text through as it comes; hold tool calls back until they are whole, then let through what may."""
        agent = self._marked(request_data, user_api_key_dict)
        held: list[Any] = []
        async for chunk in response:
            choices = getattr(chunk, "choices", None) or []
            deltas = [getattr(choice, "delta", None) for choice in choices]
            watched = agent is not None and self.reader.known(agent).restrains
            called = any(_of(delta, "tool_calls") or _of(delta, "function_call") for delta in deltas)
            if held or (watched and called):
                held.append(chunk)
            else:
                yield chunk
        for chunk in self._released(str(agent), held):
            yield chunk

    def _released(self, agent: str, held: Sequence[Any]) -> list[Any]:
        names: dict[tuple[int, int], list[str]] = {}
        texts: dict[tuple[int, int], str] = {}
        for choice in (choice for chunk in held for choice in chunk.choices):
            for where, call in _parts(choice):
                name, arguments = (_of(call, "function") and _called(call)) or (None, None)
                names.setdefault(where, []).extend([name] if name and name != "None" else [])
                texts[where] = texts.get(where, "") + (arguments or "")
        reasons = {where: self._refused_part(agent, told, texts[where]) for where, told in names.items()}
        if not any(reasons.values()):
            return list(held)
        said: set[int] = set()
        for choice in (choice for chunk in held for choice in chunk.choices):
            mine = sorted(where for where in reasons if where[0] == choice.index)
            kept = [where for where in mine if reasons[where] is None]
            numbers = [where for where in kept if where[1] != _OLD]
            left = [c for c in getattr(choice.delta, "tool_calls", None) or [] if (choice.index, _number(c)) in kept]
            for call in left:
                call.index = numbers.index((choice.index, _number(call)))  # clients build a list by these numbers
            choice.delta.tool_calls = left or None
            if reasons.get((choice.index, _OLD)):
                choice.delta.function_call = None
            if choice.index not in said and any(reasons[where] for where in mine):
                said.add(choice.index)
                words = dict.fromkeys(str(reasons[where]) for where in mine if reasons[where])
                choice.delta.content = (choice.delta.content or "") + "\n".join(words)
            if choice.finish_reason in {"tool_calls", "function_call"} and not kept:
                choice.finish_reason = "stop"
        return list(held)

    def _refused_part(self, agent: str, names: Sequence[str], arguments: str) -> str | None:
        """A streamed call's name comes whole or in pieces, and some providers number all their calls alike."""
        found = (self.refused(agent, name, arguments) for name in dict.fromkeys(["".join(names), *names]))
        return next((reason for reason in found if reason is not None), None)

    async def async_post_call_response_headers_hook(
        self, data: Any, user_api_key_dict: Any, response: Any, **_: Any
    ) -> dict[str, str]:
        """Say on each answer which agent and revision was obeyed: what Pullcord's canary reads back."""
        del response
        mark = _marks(data).get(_MARK) if isinstance(data, dict) else None
        if not isinstance(mark, dict) or self._marked(data, user_api_key_dict) is None:
            return {}
        known = self.reader.known(mark["agent"])
        told = {
            "x-pullcord-agent": mark["agent"],
            "x-pullcord-revision": str(mark["revision"]),
            "x-pullcord-instance": f"{os.getpid()}",
            "x-pullcord-removed-tools": ",".join(dict.fromkeys(filter(None, mark["removed"]))),
            "x-pullcord-stale-since": (known.read_at or "never read") if known.problem else "",
        }
        return {name: re.sub(r"[^\x20-\x7e]", "?", value)[:500] for name, value in told.items() if value}

    def _marked(self, data: Any, key: Any) -> str | None:
        """The agent that the request was found to be of; its model may be another by now."""
        mark = _marks(data).get(_MARK) if isinstance(data, dict) else None
        agent = mark.get("agent") if isinstance(mark, dict) else self.agent_of(key, data or {})
        return agent if agent in self._agents else None


def broken(schema: Any, arguments: Any) -> str | None:
    """Why arguments (an object, or its JSON) break a bound; None when they keep it. What cannot be judged is broken."""
    if Draft202012Validator is None:
        return "its arguments cannot be judged, since jsonschema is not installed in the gateway"
    try:
        text = arguments if isinstance(arguments, str | bytes) else json.dumps(arguments or {})
        held = json.loads(text or "{}", object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite)
    except (ValueError, TypeError, RecursionError):
        return "its arguments are not JSON that can be told in one way only"
    try:
        Draft202012Validator.check_schema(schema)
        judge = validators.extend(Draft202012Validator, {"pattern": _tried})  # type: ignore[no-untyped-call,unused-ignore]
        validator = judge(implied(schema), registry=Registry())  # a remote $ref is never fetched
        fault = next(iter(sorted(validator.iter_errors(held), key=lambda e: list(map(str, e.absolute_path)))), None)
    except Exception as error:  # noqa: BLE001 - a schema that cannot be judged refuses, and says so
        return f"its bound cannot be judged ({type(error).__name__})"
    return None if fault is None else f"{'.'.join(map(str, fault.absolute_path)) or 'it'}: {_clean(fault.message)}"


def implied(schema: Any) -> Any:
    """A bound on numbers means a number, one on text means text: JSON Schema would let "9999" pass ``maximum: 50``."""
    if not isinstance(schema, dict):
        return schema
    if "format" in schema:
        raise ValueError("format")  # an annotation in 2020-12: it would bound nothing
    made = dict(schema)
    if not made.keys() & {"type", "enum", "const", "$ref"}:
        kinds = [kind for kind, words in (("number", _NUMBER), ("string", _TEXT)) if made.keys() & set(words)]
        made |= {"type": kinds} if kinds else {}
    for name in made.keys() & {"properties", "patternProperties", "$defs"}:
        if isinstance(made[name], dict):
            made[name] = {key: implied(one) for key, one in made[name].items()}
    for name in made.keys() & _HOLDS:
        inner = made[name]
        made[name] = [implied(one) for one in inner] if isinstance(inner, list) else implied(inner)
    return made


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are told once: of two, the tool might take the other one."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _finite(written: str) -> float:
    """A number, of those that JSON has: NaN is not more than any maximum, and ``1e999`` may be read as anything."""
    if not math.isfinite(number := float(written)):
        raise ValueError(f"{written[:20]} is no number")
    return number


def _tried(validator: Any, pattern: Any, value: Any, schema: Any) -> Any:
    """The library's ``pattern``, on texts that are short enough: a search takes the square, and every request waits."""
    if isinstance(value, str) and len(value) > _LONGEST_MATCHED:
        raise ValueError("a text is too long for a pattern")
    yield from Draft202012Validator.VALIDATORS["pattern"](validator, pattern, value, schema) or ()


def _readable(key: str, entry: Any) -> bool:
    """Whether a flag has a value of its kind. An error entry, a missing one or a wrong type is not readable."""
    if not isinstance(entry, dict) or "errorCode" in entry or key not in NEUTRAL:
        return False
    value = entry.get("value")
    if type(value) is not type(NEUTRAL[key]) or not isinstance(entry.get("metadata") or {}, dict):
        return False
    tools = _object(value).get("tools") if key == "agent.tools.denied" else []
    return isinstance(tools, list) and all(isinstance(tool, str) for tool in tools)


def _called(call: Any) -> tuple[str, Any]:
    """Name and arguments of a tool call: of a function, else of what OpenAI calls a custom tool (free text)."""
    inner = _of(call, "function") or _of(call, "custom")
    arguments = _of(inner, "arguments")
    return str(_of(inner, "name")), _of(inner, "input") if arguments is None else arguments


def _of(thing: Any, name: str) -> Any:
    """One field of what LiteLLM holds as an object or as a dictionary."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _parts(choice: Any) -> list[tuple[tuple[int, int], Any]]:
    """The pieces of calls in a choice of a streamed chunk, each with the place of its call."""
    made = [((choice.index, _number(call)), call) for call in getattr(choice.delta, "tool_calls", None) or []]
    old = getattr(choice.delta, "function_call", None)
    return [*made, ((choice.index, _OLD), {"function": old})] if old else made


def _number(call: Any) -> int:
    number = _of(call, "index")
    return number if isinstance(number, int) else 0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tool_name(tool: Any) -> str | None:
    """Of chat completions (``function.name``), the Responses API, Anthropic's messages and old functions (``name``)."""
    inner = (tool.get("function") or tool.get("custom")) if isinstance(tool, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else tool.get("name") if isinstance(tool, dict) else None
    return name if isinstance(name, str) else None


def _narrow(data: dict[str, Any]) -> None:
    """Shut the side doors: what LiteLLM would merge into the request, or into that of a fallback, behind this hook."""
    for name in _FALLBACKS & data.keys():
        data[name] = [one for one in data[name] if isinstance(one, str)] if isinstance(data[name], list) else None
    if isinstance(data.get("extra_body"), dict):
        data["extra_body"] = {key: value for key, value in data["extra_body"].items() if key not in _OURS}


def _left_of(tool: Any, gone: set[str]) -> Any:
    """What may be offered of a tool: itself, nothing (None), or a remote MCP server without the tools that are gone."""
    if not isinstance(tool, dict) or tool.get("type") != "mcp":
        return None if _tool_name(tool) in gone else tool
    allowed = tool.get("allowed_tools")
    if not isinstance(allowed, list):
        return None  # all that the server has, and the provider calls it by itself
    kept = [name for name in allowed if name not in gone]
    return {**tool, "allowed_tools": kept} if kept else None


def _route(known: Known, data: dict[str, Any]) -> None:
    """A pin, else a fallback, is the model; beside a pin the fallback answers when the pinned one fails."""
    pinned, fallback = known.value("agent.model"), known.value("agent.fallback_model")
    if chosen := pinned or fallback:
        for name in _FALLBACKS:
            data.pop(name, None)  # another model would answer behind the pin
        data["model"] = chosen
        if pinned and fallback and fallback != pinned:
            data["fallbacks"] = [fallback]
        else:
            data["disable_fallbacks"] = True


def _add_text(data: dict[str, Any], suffix: str, call_type: str) -> None:
    """Add system text where this kind of request holds it."""
    if call_type == "anthropic_messages" or "system" in data:
        held = data.get("system")
        data["system"] = [*held, {"type": "text", "text": suffix}] if isinstance(held, list) else _joined(held, suffix)
    elif isinstance(data.get("messages"), list):
        messages = list(data["messages"])
        at = next((i for i, m in enumerate(messages) if m.get("role") in {"system", "developer"}), None)
        if at is not None and isinstance(messages[at].get("content"), str):
            messages[at] = {**messages[at], "content": _joined(messages[at]["content"], suffix)}
        else:
            messages.insert(0 if at is None else at + 1, {"role": "system", "content": suffix})
        data["messages"] = messages
    elif "input" in data and "response" in call_type:
        data["instructions"] = _joined(data.get("instructions"), suffix)
    elif isinstance(data.get("prompt"), str):
        data["prompt"] = f"{suffix}\n\n{data['prompt']}"


def _joined(held: Any, suffix: str) -> str:
    return f"{held}\n\n{suffix}" if held else suffix


def _marks(data: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM's own notes on a request: never sent to a provider, and the same object in every hook."""
    for name in ("litellm_metadata", "metadata"):
        if isinstance(data.get(name), dict):
            return data[name]  # type: ignore[no-any-return]
    made: dict[str, Any] = {}
    data["litellm_metadata"] = made  # in place of whatever a caller wrote there that holds no notes
    return made


def _refuse(status: int, reason: str) -> HTTPException:
    return HTTPException(status_code=status, detail=reason, headers={"x-should-retry": "false"})


def _clean(value: Any) -> str:
    text = "".join(char if char.isprintable() else " " for char in str(value)).strip()
    return text if len(text) <= 200 else f"{text[:199]}…"


def _secret(value: str) -> str:
    """LiteLLM's way to name a secret: ``os.environ/NAME``."""
    if not value.startswith("os.environ/"):
        return value
    found = os.environ.get(value.removeprefix("os.environ/"))
    if not found:
        raise ValueError(f"pullcord_hook.yaml: {value.removeprefix('os.environ/')} is not in the environment")
    return found


def _made() -> PullcordHook | None:
    """The hook of this proxy: its settings are named by PULLCORD_HOOK_CONFIG. None where the variable is not set."""
    path = os.environ.get("PULLCORD_HOOK_CONFIG")
    return PullcordHook(yaml.safe_load(Path(path).read_text(encoding="utf-8"))) if path else None


hook = _made()
