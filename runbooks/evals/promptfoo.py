"""promptfoo: one YAML file per incident, a list of test cases for ``tests: file://cases/*.yaml``.

Only a ``javascript`` assertion is written: it needs no package, no network and no provider that traces. Every foreign
text is either inside a double-quoted YAML scalar or inside a JSON literal of the script, spelled so that neither YAML,
JavaScript nor promptfoo's templates can read it as anything but text. Traps, read in promptfoo 0.121: it renders
templates in text variables and in scripts, and loads any text that begins with ``file://`` or ``package:``. A variable
inside an object is not rendered, so the question is ``{{incident.question}}``.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from bot.domain.base import Json
from bot.errors import ActionFailed, Refused
from bot.plugin import EvalCase, EvalProof, eval_format
from runbooks.evals import assertions, fitness

_SCRIPT = r"""// Passes when the answer makes no call of mustNotCall and every call of mustCall.
const mustNotCall = JSON.parse('MUST_NOT_CALL');
const mustCall = JSON.parse('MUST_CALL');
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
const parsed = (text) => {
  try { return JSON.parse(text); } catch (error) { return undefined; }
};
const first = (object, keys) => object[keys.find((key) => has(object, key))];
const argumentsOf = (value) => {
  const read = typeof value === 'string' ? parsed(value) : value;
  return isObject(read) ? read : {};
};
// A tool call as Pullcord, OpenAI, Anthropic, Gemini and most agent frameworks write it.
const asCall = (object) => {
  const inner = [object.function, object.functionCall, object.function_call].find(isObject) || object;
  const tool = first(inner, ['tool', 'toolName', 'tool_name', 'name']);
  const keys = ['arguments', 'args', 'input', 'parameters', 'tool_input'];
  const typed = /^(tool_use|tool_call|function|function_call)$/.test(String(object.type));
  const certain = inner !== object || typed || !has(inner, 'name');
  if (typeof tool !== 'string' || !(certain || keys.some((key) => has(inner, key)))) return undefined;
  return { tool: tool, arguments: argumentsOf(first(inner, keys)) };
};
const inside = ['tool_calls', 'toolCalls', 'calls', 'messages', 'message', 'choices', 'content', 'output', 'parts',
  'candidates', 'items', 'steps'];
const callsIn = (value, depth) => {
  if (depth > 30) return [];
  if (Array.isArray(value)) return value.flatMap((item) => callsIn(item, depth + 1));
  if (!isObject(value) || /^(user|system|tool)$/.test(String(value.role))) return [];
  const call = asCall(value);
  if (call) return [call];
  return inside.filter((key) => has(value, key)).flatMap((key) => callsIn(value[key], depth + 1));
};
const readable = (value) => {
  if (typeof value !== 'string') return value;
  const whole = parsed(value);
  return whole !== undefined ? whole : value.split('\n').map(parsed).filter((line) => line !== undefined);
};
const same = (a, b) => {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => same(item, b[at]));
  }
  if (!isObject(a)) return a === b;
  const keys = Object.keys(a);
  if (!isObject(b) || keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => has(b, key) && same(a[key], b[key]));
};
const fits = (call, wanted) => call.tool === wanted.tool && Object.keys(wanted.arguments || {}).every(
  (key) => has(call.arguments, key) && same(call.arguments[key], wanted.arguments[key])
);
const reported = context && context.providerResponse && context.providerResponse.metadata;
const made = callsIn(readable(output), 0).concat(callsIn(reported, 0));
const shown = (wanted) => wanted.tool + ' with ' + JSON.stringify(wanted.arguments || {});
const broken = mustNotCall.filter((wanted) => made.some((call) => fits(call, wanted))).map((w) => 'called ' + shown(w))
  .concat(mustCall.filter((wanted) => !made.some((call) => fits(call, wanted))).map((w) => 'did not call ' + shown(w)));
return {
  pass: broken.length === 0,
  score: broken.length === 0 ? 1 : 0,
  reason: broken.join('; ') || 'the tool calls are as they should be'
};
"""
_LITERAL = re.compile(r"^const (mustNotCall|mustCall) = JSON\.parse\('(.*)'\);$", re.MULTILINE)
_RISKY = re.compile(r"[^ !#%()*+,\-./0-9:;=?@A-Z\[\]^_a-z|~\"\\]")
"""What is spelled as an escape inside a text of the script: quotes, braces, ``<>&$`` and backticks, all but ASCII."""


class Promptfoo:
    """Renders and proves cases for promptfoo."""

    def render(self, case: EvalCase) -> Mapping[str, str]:
        """``cases/<stem of the case>.yaml``: a list with the one test case.

        Raises Refused for a case that is not fit (``fitness.fit``) or has numbers that JSON does not know.
        """
        case = fitness.fit(case)
        written = {"MUST_NOT_CALL": _literal(case.must_not_call), "MUST_CALL": _literal(case.must_call)}
        script = re.sub("MUST_NOT_CALL|MUST_CALL", lambda name: written[name[0]], _SCRIPT)
        test = {
            "description": _inert(case.name),
            "vars": {"incident": {"id": case.incident, "question": case.question}},
            "assert": [{"type": "javascript", "metric": "tool calls", "value": _Script(script)}],
            "metadata": {
                "incident": _inert(case.incident),
                "expected": _inert(case.expected),
                "pullcord": {name: _inert(_text(value)) for name, value in case.provenance.items()},
            },
        }
        return {
            _file(case): _printable(yaml.dump([test], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))
        }

    def prove(self, case: EvalCase, files: Mapping[str, str]) -> EvalProof:
        """Read the file back and hold both behaviours against what stands in its script, by JavaScript's equality.

        The script itself is not run here (that takes Node); its literals are read out of it. Raises ActionFailed when
        the file cannot be read back.
        """
        spec = _read_back(files[_file(case)])
        recorded = [dict(call) for call in case.recorded_calls]
        broken = _faults(recorded, **spec)
        still = _faults(fitness.corrected(recorded, **spec), **spec)
        detail = f"recorded: {'; '.join(broken) or 'passes'}. Expected: {'; '.join(still) or 'passes'}."
        detail += " Checked on the literals of the rendered script; promptfoo was not run."
        return EvalProof(recorded_fails=bool(broken), expected_passes=not still, detail=detail)


promptfoo = eval_format("promptfoo")(Promptfoo)


class _Dumper(yaml.SafeDumper):
    """Quotes every text but plain words: YAML 1.1 and 1.2 disagree on what ``1e3`` or ``0o7`` is."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = re.fullmatch(r"[a-z][a-z0-9_]*", text) is not None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


class _Script(str):
    """Written as it is, line by line, for those who review it; it holds only ASCII."""

    __slots__ = ()


_Dumper.add_representer(str, _quoted)
_Dumper.add_representer(_Script, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def _file(case: EvalCase) -> str:
    return f"cases/{case.stem}.yaml"


def _printable(text: str) -> str:
    """Signs that turn or hide text are shown as escapes; they can only stand in double-quoted texts."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\U{ord(c):08X}" for c in text)


def _inert(text: str) -> str:
    """A text that promptfoo does not take for a file to load."""
    return f" {text}" if text.startswith(("file://", "package:")) else text


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _literal(calls: Iterable[Mapping[str, Json]]) -> str:
    """The calls as JSON inside a single-quoted text of JavaScript. Raises Refused for NaN and infinity."""
    try:
        encoded = json.dumps([dict(call) for call in calls], sort_keys=True, allow_nan=False)
    except ValueError as error:
        message = "An argument of the call is no number that JSON knows (NaN or infinity)."
        raise Refused(message, field="arguments", next_step="Use pydantic_evals for this case.") from error
    texts = re.compile(r'"(?:[^"\\]|\\.)*"')
    safe = texts.sub(lambda text: _RISKY.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text[0]), encoded)
    return safe.replace("\\", "\\\\")


def _read_back(text: str) -> dict[str, list[dict[str, Json]]]:
    try:
        script = yaml.safe_load(text)[0]["assert"][0]["value"]
        found = {name: json.loads(literal.replace("\\\\", "\\")) for name, literal in _LITERAL.findall(script)}
        return {"must_not_call": list(found["mustNotCall"]), "must_call": list(found["mustCall"])}
    except (yaml.YAMLError, ValueError, KeyError, IndexError, TypeError) as error:
        message = f"The eval case that was rendered cannot be read back: {type(error).__name__}."
        raise ActionFailed(message, next_step="Report it with the run's evidence; nothing was pushed.") from error


def _faults(
    calls: Iterable[Mapping[str, Json]], must_not_call: list[dict[str, Json]], must_call: list[dict[str, Json]]
) -> list[str]:
    made = [_of_script(call) for call in calls]
    wrong = [one for one in must_not_call if any(assertions.fits(call, _of_script(one)) for call in made)]
    absent = [one for one in must_call if not any(assertions.fits(call, _of_script(one)) for call in made)]
    return [f"called {assertions.shown(one)}" for one in wrong] + [
        f"did not call {assertions.shown(one)}" for one in absent
    ]


def _of_script(call: Mapping[str, Json]) -> dict[str, Any]:
    """The call with values that are equal in Python when they are in JavaScript."""
    arguments = call.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {}
    return {"tool": call.get("tool"), "arguments": _number_alike(arguments if isinstance(arguments, dict) else {})}


def _number_alike(value: Any) -> Any:
    """All numbers are floats there, and true is not 1."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, dict):
        return {name: _number_alike(held) for name, held in value.items()}
    return [_number_alike(item) for item in value] if isinstance(value, list) else value
