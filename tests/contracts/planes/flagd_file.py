"""A file of flagd beside the test, with flags of other people in it."""

import json
from typing import Any

from bot.domain.action import Target, Verified
from tests.contracts.planes.case import AGENT, Args, Deed, PlaneCase
from tests.contracts.planes.peer import Peer, Setup

_ARGS = Args()
THEIRS: dict[str, Any] = {
    "state": "ENABLED",
    "variants": {"on": True, "off": False},
    "defaultVariant": "off",
    "targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "on"]},
}


class FlagsFile(Peer):
    """The file. Somebody else writes it with an editor."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.file = setup.folder / "flags.json"
        schema = "https://flagd.dev/schema/v0/flags.json"
        self.save({"$schema": schema, "flags": {"new-checkout": THEIRS}, "$evaluators": {"x": {}}})

    def load(self) -> dict[str, Any]:
        """What is in it."""
        read: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return read

    def save(self, document: dict[str, Any]) -> None:
        """Write it in place."""
        self.file.write_text(json.dumps(document), encoding="utf-8")

    def serve(self, key: str, value: object) -> None:
        """Somebody else lets a flag serve this."""
        document = self.load()
        document["flags"][f"{AGENT}.{key}"] = {
            "state": "ENABLED",
            "variants": {"theirs": value},
            "defaultVariant": "theirs",
        }
        self.save(document)

    async def mark(self) -> object:
        """Which file it is, and when it was written."""
        stat = self.file.stat()
        return stat.st_ino, stat.st_mtime_ns

    async def enforce(self, target: Target) -> None:
        """Time for its readers to look."""
        self.setup.clock.forward(days=1)


def _serve(key: str, value: object) -> Any:
    return lambda peer: peer.serve(key, value)


_AT_ONCE = "a file answers at once, or the write fails"
CASE = PlaneCase(
    type="flagd",
    peer=FlagsFile,
    options=lambda peer: {"file": str(peer.file)},
    deeds=[
        Deed("pin_model", _serve("model", _ARGS.other_model), first=Verified.PENDING),
        Deed("route_fallback", _serve("fallback_model", _ARGS.other_model), first=Verified.PENDING),
        Deed("revoke_tool", _serve("tools.denied", {"tools": []}), first=Verified.PENDING),
        Deed(
            "restore_tool",
            _serve("tools.denied", {"tools": [_ARGS.tool]}),
            before=_serve("tools.denied", {"tools": [_ARGS.tool]}),
            first=Verified.PENDING,
        ),
        Deed("pause_agent", _serve("paused", False), first=Verified.PENDING),
        Deed("resume_agent", _serve("paused", True), before=_serve("paused", True), first=Verified.PENDING),
        Deed("patch_prompt", _serve("prompt.suffix", "Something else."), first=Verified.PENDING),
    ],
    lacks={
        **dict.fromkeys(("hang", "drop", "fail_after", "nothing"), _AT_ONCE),
        "credentials": "it has none: the permissions of the file decide",
        "base": "names become keys in a JSON document, and never a path",
    },
    real="tests/peers/test_flagd.py",
    note="a JSON file that OpenFeature's flagd provider reads, or a flagd daemon watches",
)
