"""Writing a bundle: the incident as it stands now, part by part, straight to a file."""

from base64 import b64encode
from dataclasses import dataclass
from typing import BinaryIO

from bot.bundle.lines import (
    FORMAT,
    INCIDENT,
    STORED_BYTES,
    TIMELINE,
    Hashing,
    Manifest,
    RunHeading,
    entry_line,
    line,
    run_part,
)
from bot.domain.events import RunAttached
from bot.errors import Refused
from bot.ports import EvidenceStore
from bot.recorder.evidence import lines_of
from bot.recorder.reader import reader
from bot.timeline.chain import Chain, parse
from bot.timeline.timeline import Timeline


@dataclass(slots=True)
class Written:
    """What was written. ``missing`` has a sentence for each run whose evidence could not be put in."""

    entries: int = 0
    runs: int = 0
    size: int = 0
    missing: tuple[str, ...] = ()


class _Out:
    """Lines to the file and to the hashes."""

    def __init__(self, file: BinaryIO) -> None:
        """``file`` is open for writing bytes."""
        self._file = file
        self.hashing = Hashing()
        self.size = 0

    def part(self, name: str) -> None:
        """Begin a part with its heading."""
        self.hashing.begin(name)
        self.write(line({"part": name}))

    def write(self, written: bytes) -> None:
        """One line of the part."""
        self.hashing.feed(written)
        self.plain(written)

    def plain(self, written: bytes) -> None:
        """A line of no part."""
        self._file.write(written)
        self.size += len(written)


async def write_bundle(
    timeline: Timeline, evidence: EvidenceStore, chain: Chain, incident_id: str, file: BinaryIO
) -> Written:
    """Write the incident up to its newest entry. Raises Refused when there is no such incident.

    Evidence that is gone or damaged is left out, and the bundle says which and why.
    """
    incident = await timeline.read(incident_id)
    out, done = _Out(file), Written()
    out.write(line({"pullcord_bundle": FORMAT, "incident": incident_id, "written_by": reader()}))
    out.part(TIMELINE)
    attached: dict[str, RunAttached] = {}
    async for place, fields in timeline.stored(incident_id):
        entry = parse(incident_id, place, fields)
        if entry.seq > incident.seq:
            break
        if isinstance(entry.event, RunAttached):
            attached[entry.event.run.trace_id] = entry.event
        out.write(entry_line(fields[b"e"], entry.key_id, entry.mac, entry.seq))
        done.entries += 1
    out.part(INCIDENT)
    out.write(line({"incident": incident.model_dump(mode="json")}))
    for run in attached.values():
        await _run(out, run, evidence, done)
    whole = out.hashing.end()
    manifest = Manifest(parts=tuple(out.hashing.parts), key_id=chain.key_id, code=chain.sign("bundle", whole))
    written = line({"manifest": manifest.model_dump(mode="json")})
    out.plain(written)
    out.plain(line({"seal": out.hashing.over(written)}))
    done.size = out.size
    return done


async def _run(out: _Out, run: RunAttached, evidence: EvidenceStore, done: Written) -> None:
    """A run's part: its heading, its evidence in readable lines, and the very bytes that its hash is of."""
    trace_id = run.run.trace_id
    try:
        packed: bytes | None = await evidence.get(run.evidence)
        missing = ""
    except Refused as error:
        packed, missing = None, error.message
        done.missing += (f"{run_part(trace_id)}: {error.message}",)
    heading = RunHeading(
        trace_id=trace_id,
        evidence=run.evidence,
        size=run.evidence_bytes,
        source=run.source,
        catalogue=run.catalogue,
        configuration=run.configuration,
        missing=missing,
    )
    out.part(run_part(trace_id))
    out.write(line({"run": heading.model_dump(mode="json")}))
    if packed is None:
        return
    for written in lines_of(packed):
        out.write(written)
    for at in range(0, len(packed), STORED_BYTES):
        out.write(line({"stored": b64encode(packed[at : at + STORED_BYTES]).decode()}))
    done.runs += 1
