"""From a run to its profile in the index: what it ran on, what it retrieved, which checks failed. Pure.

A run is good when its root is there and says no error, no guardrail triggered, no recorded evaluation failed, and no
alert or incident names it. Most instrumentations leave the status of a good span unset (OpenTelemetry: *Set Status*),
so unset counts as no error. A failed tool call alone makes no run bad: agents try again. Without a root nobody knows.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.base import Json
from bot.domain.effect import Effect, counts
from bot.domain.profile import CallShape, Grade, RunProfile
from bot.domain.run import Completeness, Document, ModelCall, Run, RunStatus, ToolDefinition
from bot.recorder.volatile import kind_of_name, masked, text_hash

_MOST_CALLS: Final = 12
_MOST_TOOLS: Final = 200
_MOST_DOCUMENTS: Final = 32
_MOST_NAMES: Final = 16
_MOST_VALUE: Final = 120
_SYSTEM: Final = frozenset({"system", "developer"})
_VERSIONS: Final = (
    "version",
    "doc_version",
    "document_version",
    "revision",
    "rev",
    "etag",
    "updated_at",
    "last_modified",
    "modified_at",
    "modified",
    "last_updated",
)
_IDS: Final = (
    "id",
    "document_id",
    "doc_id",
    "source",
    "path",
    "file_path",
    "file_name",
    "filename",
    "url",
    "uri",
    "title",
)
_VERSIONED_ID = re.compile(r"^(?P<id>.+?)[@#:?/_-](?:v|version|rev)[=_-]?(?P<version>\d[\w.]{0,30})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Profiled:
    """A profile and the texts that its hashes point at."""

    profile: RunProfile
    texts: Mapping[str, str]


def profile_of(run: Run, effects: Sequence[Effect], agent: str | None = None, *, named: bool = False) -> Profiled:
    """The profile of a run with its effects. ``agent`` is whose it is where the run does not say.

    ``named``: an alert or an incident names it. Texts are redacted already, and masked here (``volatile``).
    """
    texts: dict[str, str] = {}
    roles = {step.span_id: step.agent for step in run.steps}
    calls = tuple(dict.fromkeys(_Frozen(_call(c, _role(roles.get(c.span_id), run), texts)) for c in run.model_calls))
    shapes = tuple(frozen.shape for frozen in calls)[:_MOST_CALLS]
    checks = checks_of(run)
    last = run.model_calls[-1] if run.model_calls else None
    profile = RunProfile(
        trace_id=run.trace_id,
        agent=(run.agent or agent or run.service or "")[:200],
        kind=_kind(run),
        service=run.service,
        environment=run.environment,
        service_version=run.service_version,
        agent_version=run.agent_version,
        started_at=run.started_at,
        ended_at=run.ended_at,
        status=run.status,
        grade=_grade(run, checks, named=named),
        provider=last.provider if last else None,
        model_requested=run.model_requested,
        model_served=run.model_served,
        fingerprint=last.fingerprint if last else None,
        parameters=_scalars(run.parameters),
        prompt=next((shape.prompt for shape in shapes if shape.prompt and not shape.role), None),
        tools=_all_tools(shapes, texts),
        sources=tuple(dict.fromkeys(r.source for r in run.retrievals if r.source))[:_MOST_NAMES],
        documents=documents_of(run),
        checks=checks,
        counts=counts(iter(effects)),  # asked once: of a tuple the answer would be kept, and the effects with it
        calls=shapes,
    )
    return Profiled(profile, texts)


def checks_of(run: Run) -> tuple[str, ...]:
    """The names of what failed: guardrails that triggered, evaluations that did not pass, types of errors."""
    found = [f"guardrail {g.name}" for g in run.guardrails if g.triggered]
    found += [f"evaluation {e.name}" for e in run.evaluations if e.passed is False]
    if run.error is not None and run.error.type:
        found.append(f"error {run.error.type}")
    found += [f"error {c.error.type}" for c in run.model_calls if c.error is not None and c.error.type]
    return tuple(dict.fromkeys(name[:_MOST_VALUE] for name in found))[:_MOST_NAMES]


def documents_of(run: Run) -> dict[str, str | None]:
    """Retrieved documents by id: the recorded version, else ``#`` and a hash of the content, None for neither.

    Several pieces of one document without a version (chunks) say nothing about its version: None.
    """
    found: dict[str, str | None] = {}
    for document in (d for r in run.retrievals for d in r.documents or ()):
        name, version = _document(document)
        if name is None or (name not in found and len(found) == _MOST_DOCUMENTS):
            continue
        found[name] = version if found.get(name, version) == version else None
    return found


def version_words(version: str | None) -> str | None:
    """A document's version for people."""
    if version is None:
        return None
    return f"content {version[1:9]}" if version.startswith("#") else version


def tool_text(tool: ToolDefinition) -> str:
    """A tool definition as lines, so that two can be compared line by line."""
    lines = [f"tool {tool.name}", "", masked(tool.description or "(no description)"), ""]
    if tool.parameters is not None:
        lines.append(json.dumps(tool.parameters, indent=2, sort_keys=True, ensure_ascii=False, default=str))
    return "\n".join(lines)


def toolset_of(text: str | None) -> dict[str, str]:
    """Name -> hash of the tools in a kept toolset; empty for a text that is gone or is none."""
    if not text:
        return {}
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in read.items()} if isinstance(read, dict) else {}


class _Frozen:
    """A call shape that can be told from others: its parameters are a dict, which has no hash."""

    def __init__(self, shape: CallShape) -> None:
        self.shape = shape
        self._key = shape.model_dump_json()

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and other._key == self._key


def _role(agent: str | None, run: Run) -> str:
    return "" if agent is None or agent == run.agent else agent[:_MOST_VALUE]


def _call(call: ModelCall, role: str, texts: dict[str, str]) -> CallShape:
    system = list(call.system) or [m.text for m in call.input if m.role in _SYSTEM]
    prompt = masked("\n\n".join(text for text in system if text))
    return CallShape(
        role=role,
        provider=call.provider,
        requested=call.model_requested,
        served=call.model_served,
        fingerprint=call.fingerprint,
        parameters=_scalars(call.parameters),
        prompt=_keep(prompt, texts) if prompt else None,
        tools=_toolset(call.tools_offered[:_MOST_TOOLS], texts) if call.tools_offered else None,
    )


def _toolset(tools: Sequence[ToolDefinition], texts: dict[str, str]) -> str:
    hashes = {tool.name[:_MOST_VALUE]: _keep(tool_text(tool), texts) for tool in tools}
    return _keep(json.dumps(hashes, sort_keys=True, separators=(",", ":")), texts)


def _keep(text: str, texts: dict[str, str]) -> str:
    name = text_hash(text)
    texts[name] = text
    return name


def _all_tools(shapes: Iterable[CallShape], texts: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for shape in shapes:
        if shape.tools:
            found |= toolset_of(texts.get(shape.tools))
    return found


def _scalars(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """Parameters that can be compared, none of them long."""
    kept: dict[str, Json] = {}
    for name, value in list(parameters.items())[:32]:
        short = value if isinstance(value, (bool, int, float)) or value is None else json.dumps(value, sort_keys=True)
        kept[name[:_MOST_VALUE]] = short if not isinstance(short, str) else _unquoted(value, short)[:_MOST_VALUE]
    return kept


def _unquoted(value: Json, dumped: str) -> str:
    return value if isinstance(value, str) else dumped


def _kind(run: Run) -> str:
    root = next((step for step in run.steps if step.parent_id is None), None)
    return kind_of_name(root.name) if root is not None else ""


def _grade(run: Run, checks: Sequence[str], *, named: bool) -> Grade:
    if named or run.status is RunStatus.ERROR or any(not check.startswith("error ") for check in checks):
        return Grade.FAILED
    last = run.model_calls[-1] if run.model_calls else None
    if run.completeness is Completeness.MISSING_ROOT or run.error is not None or (last is not None and last.error):
        return Grade.UNKNOWN
    return Grade.GOOD


def _document(document: Document) -> tuple[str | None, str | None]:
    metadata = document.metadata if isinstance(document.metadata, dict) else {}
    name = document.id or next((str(metadata[key]) for key in _IDS if isinstance(metadata.get(key), (str, int))), None)
    if not name:
        return None, None
    version = next((str(metadata[key]) for key in _VERSIONS if isinstance(metadata.get(key), (str, int, float))), None)
    found = _VERSIONED_ID.match(name)
    if version is None and found is not None:
        name, version = found["id"], "v" + found["version"]
    if version is None and document.content:
        version = "#" + text_hash(document.content)[:16]
    return name[:_MOST_VALUE], version[:60] if version else None
