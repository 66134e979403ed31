"""How the index of runs packs a profile and a text: JSON without defaults, deflated with the words that all share."""

import json
import zlib
from typing import Any, Final

from pydantic import ValidationError

from bot.domain.profile import IndexedRun

MOST_TEXT: Final = 64_000
"""Bytes of one text; a longer one is cut, which its last line says."""
_CUT: Final = "\n[cut here: the rest is not kept]"

_WORDS: Final = (
    b'"temperature":0.,"top_p":1.0,"max_tokens":,"seed":,"stop":"gpt-4o-mini-2024-07-18claude-sonnet-4-2025gemini-2'
    b'"openai"anthropic"documents":{"checks":["error:guardrail:"sources":["counts":{"total":1,"read_only":,"reversible"'
    b':1,"compensable":1,"irreversible":1,"unclassified":1,"failed":1,"unknown":1,"guessed":1},"calls":[{"role":"'
    b'","provider":"","requested":"","served":"","fingerprint":"fp_","parameters":{"prompt":"","tools":"'
    b'"service_version":"1.","agent_version":"","environment":"production","parameters":{},"model_requested":"'
    b'","model_served":"","status":"ok","grade":"good","started_at":"2026-01-01T00:00:00.000000Z","ended_at":"2026-'
    b'{"profile":{"trace_id":"","agent":"","kind":"invoke_agent ","service":"","signatures":["'
)
"""What most profiles are made of: the preset dictionary. Stored data needs it as it is: never change it."""


def pack_run(run: IndexedRun) -> bytes:
    """A profile as bytes: about 300 for a usual run. Tools are left out: their hashes stand in a text."""
    plain: dict[str, Any] = run.model_dump(mode="json", exclude_defaults=True)
    plain["profile"].pop("tools", None)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _WORDS)
    return packer.compress(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()) + packer.flush()


def unpack_run(raw: bytes) -> IndexedRun | None:
    """The profile in these bytes; None for what another version wrote: it is indexed anew or runs out."""
    try:
        return IndexedRun.model_validate_json(zlib.decompressobj(-15, _WORDS).decompress(raw))
    except (zlib.error, ValidationError):
        return None


def pack_text(text: str) -> bytes:
    """A text as bytes, cut when it is too long."""
    raw = text.encode(errors="replace")
    if len(raw) > MOST_TEXT:
        raw = raw[:MOST_TEXT].decode(errors="ignore").encode() + _CUT.encode()
    return zlib.compress(raw, 6)


def unpack_text(raw: bytes) -> str:
    """The text in these bytes."""
    return zlib.decompress(raw).decode()
