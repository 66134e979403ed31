"""The text of a flagd file: which flags it holds, what each serves, and the notes that Pullcord leaves in it.

A flag is ``{"state": "ENABLED", "variants": {...}, "defaultVariant": "...", "metadata": {...}}`` (flagd).
Everything else in the file, and in a flag, is kept as it is.
"""

import json
from typing import Any, Final

from pydantic import ValidationError

from bot.domain.action import Restraint
from bot.domain.base import Json, Utc, Value
from bot.errors import ActionFailed, Refused
from bot.plugin import json_of

OURS: Final = "pullcord"
"""The variant that Pullcord adds, and the name of its notes in the flag's metadata."""
_USUAL: Final = "usual"


class Note(Value):
    """Who set a flag, or one tool of it, why and when; ``usual`` is the variant that was served before."""

    key: str
    restraint: Restraint | None = None
    at: Utc
    value: Json = None
    usual: str | None = None


class Document:
    """One version of the file. ``name`` is the control plane's, for what it says."""

    def __init__(self, name: str, text: bytes) -> None:
        """Raises ActionFailed for what is no file of flags."""
        self._name = name
        self.raw = text
        try:
            read: Any = json_of(text)
        except ValueError:
            read = None
        if not isinstance(read, dict) or not isinstance(read.get("flags"), dict):
            message = f"The file of {name} is no JSON document with flags."
            raise ActionFailed(message, next_step=f"See controls.{name}.file; YAML is not written.")
        self._read: dict[str, Any] = read

    def text(self) -> bytes:
        """The document as it is written."""
        return (json.dumps(self._read, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")

    def served(self, key: str) -> Json:
        """What everybody is served: the value of the default variant. None: no such flag, or it is disabled.

        Raises Refused for a flag with targeting, whose rules go before the default.
        """
        flag = self._flag(key)
        if flag is None or flag.get("state") != "ENABLED":
            return None
        if flag.get("targeting"):
            message = f"The flag {key} has targeting rules, which go before what everybody is served."
            raise Refused(message, next_step="Take the rules out of the file, or change them there.")
        variants = flag.get("variants")
        default = flag.get("defaultVariant")
        served: Json = variants.get(default) if isinstance(variants, dict) and isinstance(default, str) else None
        return served

    def note(self, key: str, element: str | None) -> Note | None:
        """The note about a flag or one element of it; None where there is none that can be read."""
        held = self._notes(key).get(element or "")
        try:
            return None if held is None else Note.model_validate(held)
        except ValidationError:
            return None

    def serve(self, key: str, value: Json, neutral: Json, note: Note, element: str | None = None) -> None:
        """Let everybody be served ``value``, and note why: by the usual variant where it has that value, else by ours.

        A flag that is not there is made, with ``neutral`` as what it usually serves.
        """
        flag = self._flag(key)
        if flag is None:
            flag = {"state": "ENABLED", "variants": {_USUAL: neutral}, "defaultVariant": _USUAL, "metadata": {}}
            self._read["flags"][key] = flag
        variants = flag["variants"] if isinstance(flag.get("variants"), dict) else {}
        notes = self._notes(key)
        usual = next((str(n["usual"]) for n in notes.values() if isinstance(n, dict) and n.get("usual")), None)
        if flag.get("defaultVariant") != OURS:
            usual = flag.get("defaultVariant") if isinstance(flag.get("defaultVariant"), str) else None
        back = usual if usual in variants and _same(variants[usual], value) else None
        if back is not None:
            variants.pop(OURS, None)
            flag["defaultVariant"] = back
        else:
            variants[OURS] = value
            flag["variants"], flag["defaultVariant"], flag["state"] = variants, OURS, "ENABLED"
        notes[element or ""] = note.model_copy(update={"usual": usual}).model_dump(mode="json")
        self._keep(flag, notes, note)

    def _keep(self, flag: dict[str, Any], notes: dict[str, Any], newest: Note) -> None:
        metadata = flag["metadata"] if isinstance(flag.get("metadata"), dict) else {}
        metadata[OURS] = json.dumps(notes, ensure_ascii=False)
        for name in ("incident", "by", "why", "until"):
            metadata.pop(f"{OURS}.{name}", None)
        if newest.restraint is not None:
            told = newest.restraint.model_dump(mode="json", exclude_none=True)
            metadata |= {f"{OURS}.{name}": said for name, said in told.items()}
        flag["metadata"] = metadata

    def _flag(self, key: str) -> dict[str, Any] | None:
        flag = self._read["flags"].get(key)
        if flag is not None and not isinstance(flag, dict):
            raise ActionFailed(f"The flag {key} of {self._name} is no object.", next_step="Correct the file.")
        return flag

    def _notes(self, key: str) -> dict[str, Any]:
        flag = self._flag(key) or {}
        metadata = flag.get("metadata")
        written = metadata.get(OURS) if isinstance(metadata, dict) else None
        try:
            notes = json.loads(written) if isinstance(written, str) else None
        except (ValueError, RecursionError):
            notes = None
        return notes if isinstance(notes, dict) else {}


def _same(one: Json, other: Json) -> bool:
    """Equal, and of the same kind: false is not nought."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
