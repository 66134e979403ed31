"""What the parts of a bundle say of each other: the chain, the incident that its entries give, the runs read again."""

from base64 import b64decode
from collections.abc import Mapping

from pydantic_core import from_json

from bot.bundle.lines import INCIDENT, TIMELINE, RunHeading, entry_raw, run_part
from bot.domain.events import EVENT, Entry, RunAttached
from bot.domain.frozen import name_of
from bot.domain.incident import Incident
from bot.domain.project import project
from bot.errors import Refused
from bot.plugin import Dialect
from bot.recorder.dialects import pack_modules
from bot.recorder.evidence import Frozen, lines_of, thaw_lines
from bot.recorder.normalise import normalise
from bot.recorder.reader import reader
from bot.recorder.run_lines import run_lines
from bot.recorder.run_reading import as_it_ended
from bot.timeline.chain import Chain


class Inside:
    """Takes the lines of one part after the other. ``take`` and ``end`` raise Refused for the first that cannot be."""

    def __init__(
        self, incident_id: str, chain: Chain | None, dialects: tuple[Dialect, ...], *, same_version: bool
    ) -> None:
        """``dialects`` read the runs again; ``same_version``: this code wrote the bundle.

        Then the incident must come out the same to the last field.
        """
        self._dialects = dialects
        self._reader = reader(pack_modules(dialects))
        self.entries, self.runs = 0, 0
        self.notes: list[str] = []
        self.open: list[str] = []
        self._incident_id = incident_id
        self._chain = chain
        self._same_version = same_version
        self._part = ""
        self._mac = ""
        self._key_ids: set[str] = set()
        self._timeline: list[Entry] = []
        self._named: dict[str, RunAttached] = {}
        self._seen: list[str] = []
        self._heading: RunHeading | None = None
        self._frozen: list[bytes] = []
        self._packed: list[bytes] = []

    def begin(self, part: str) -> None:
        """Another part follows."""
        self._part = part
        self._seen.append(part)

    def take(self, written: bytes) -> None:
        """A line of the part."""
        if self._part == TIMELINE:
            self._entry(written)
        elif self._part == INCIDENT:
            self._incident(Incident.model_validate(from_json(written)["incident"]))
        elif self._heading is None:
            self._heading = RunHeading.model_validate(from_json(written)["run"])
        elif written.startswith(b'{"stored":'):
            self._packed.append(b64decode(from_json(written)["stored"], validate=True))
        else:
            self._frozen.append(written)

    def end(self) -> None:
        """The part is over."""
        if self._heading is not None:
            self._run(self._heading)
        self._heading, self._frozen, self._packed = None, [], []

    def lost(self) -> str:
        """A part that the timeline wants and that is not there, or one of which it knows nothing."""
        wanted = [TIMELINE, INCIDENT, *(run_part(trace_id) for trace_id in self._named)]
        if self._seen != wanted:
            return "the manifest does not fit: its parts are not those that the timeline names"
        return ""

    # ---------------------------------------------------------------------------------------------- the timeline

    def _entry(self, written: bytes) -> None:
        line = from_json(written)
        seq, mac, key_id = line["seq"], line["mac"], line["key_id"]
        raw = entry_raw(written, key_id, mac, seq)
        if raw is None or seq != self.entries + 1:
            raise Refused(f"entry {self.entries + 1} is not there, or was written in another way.")
        if self._chain is not None and key_id == self._chain.key_id:
            if self._chain.mac(self._incident_id, seq, self._mac, raw) != mac:
                raise Refused(f"entry {seq} was changed, moved or put there by someone without the key.")
        elif self._chain is not None and key_id not in self._key_ids:
            self._key_ids.add(key_id)
            self.open.append(f"the codes of the timeline (chain key {key_id[:12]})")
        event = EVENT.validate_json(raw)
        self._timeline.append(Entry(seq=seq, mac=mac, key_id=key_id, event=event))
        if isinstance(event, RunAttached):
            self._named[event.run.trace_id] = event
        self.entries, self._mac = seq, mac

    def _incident(self, said: Incident) -> None:
        if said.id != self._incident_id:
            raise Refused(f"it is of {said.id}, the bundle of {self._incident_id}.")
        found = project(self._timeline, None, incident_id=self._incident_id)
        if _plain(found) == _plain(said):
            return
        if self._same_version:
            raise Refused("it is not what the timeline's entries give.")
        self.notes.append("The incident's summary was made by another version; this one makes it otherwise.")

    # -------------------------------------------------------------------------------------------------- the runs

    def _run(self, heading: RunHeading) -> None:
        named = self._named.get(heading.trace_id)
        if named is None or self._part != run_part(heading.trace_id) or named.evidence != heading.evidence:
            raise Refused("its hash is not the one that the timeline names.")
        told = (named.source, named.catalogue, named.configuration, named.evidence_bytes)
        if told != (heading.source, heading.catalogue, heading.configuration, heading.size):
            raise Refused("its heading is not what the timeline says.")
        if heading.missing:
            self.open.append(f"run {heading.trace_id[:12]}, which is not in the bundle: {heading.missing}")
            return
        packed = b"".join(self._packed)
        if name_of(packed) != heading.evidence:
            raise Refused("its stored bytes are not those whose hash the timeline names.")
        if not self._same_lines(packed):
            raise Refused("its readable lines are not those of its stored bytes.")
        frozen = thaw_lines(self._frozen)
        if (frozen.trace_id, frozen.catalogue) != (heading.trace_id, heading.catalogue):
            raise Refused("its evidence is of another run or catalogue.")
        if frozen.format > 1 and frozen.rules.version != frozen.catalogue and frozen.reader == self._reader:
            raise Refused("the rules in it are not those of the catalogue that it names.")
        self._read_again(frozen)
        self.runs += 1

    def _same_lines(self, packed: bytes) -> bool:
        """One by one up to the first other one: a few stored bytes may inflate to very many."""
        try:
            return all(one == other for one, other in zip(lines_of(packed), self._frozen, strict=True))
        except ValueError:  # one has more
            return False

    def _read_again(self, frozen: Frozen) -> None:
        """Whether the spans still give this run and these effects; only the version that read it must say so."""
        short = frozen.trace_id[:12]
        by_us = frozen.reader == self._reader
        try:
            run = normalise(frozen.spans, self._dialects)
        except Refused as refused:
            if by_us:
                raise
            self.notes.append(f"Run {short} was read by another version; this one cannot: {refused.message}")
            return
        run = run.model_copy(update={"notes": frozen.run.notes})  # those of how it was fetched are not in its spans
        same = list(run_lines(run)) == list(run_lines(frozen.run))
        if frozen.format > 1:
            same = same and as_it_ended(run, frozen.spans, frozen.rules) == frozen.effects
        if by_us and not same:
            raise Refused("the run or its effects are not what its spans give.")
        if not by_us:
            who = f"by another version ({frozen.reader or 'before versions were noted'}; this is {self._reader})"
            self.notes.append(f"Run {short} was read {who}, which reads it {'the same' if same else 'otherwise'}.")


def _plain(incident: Incident) -> Mapping[str, object]:
    return incident.model_dump(mode="json")
