"""What the command line reads of an incident: whether its timeline and its evidence hold, and the whole as one file.

Needs the store and nothing else, so that it starts quickly beside a running bot; a bundle is checked without any.
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from bot.bundle.verify import Checked, check_bundle
from bot.bundle.write import Written, write_bundle
from bot.domain.incident import Incident
from bot.errors import ActionFailed, Refused, StoreUnavailable
from bot.open_store import chain_of, open_store
from bot.ports import EvidenceStore
from bot.recorder.dialects import with_packs
from bot.registry import discover
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What ``pullcord verify`` prints, and whether all is well."""

    ok: bool
    text: str


async def verify_incident(settings: Settings, incident_id: str, head: str | None) -> VerifyResult:
    """Check one timeline from its first entry to its last, and the evidence of its runs against the hashes there.

    Raises Refused when there is no such incident.
    """
    async with open_store(settings, guest=True) as store:
        verdict = await store.incidents.verify(incident_id, head)
        if not verdict.ok:
            why = verdict.reason.rstrip(".")
            where = f"entry {verdict.first_bad}" if verdict.first_bad is not None else "its end"
            text = f"{incident_id}: {where} does not fit: {why}. Do not rely on it from there on."
            return VerifyResult(False, text)
        incident = await store.incidents.read(incident_id)
        ok, told = await _evidence(settings, incident, store.evidence)
    against = " and holds the head that was given" if head else ""
    first = f"{incident_id}: {verdict.entries} entries fit{against}. Head {verdict.entries}:{verdict.head}"
    return VerifyResult(ok, "\n".join([first, *told]))


async def _evidence(settings: Settings, incident: Incident, evidence: EvidenceStore) -> tuple[bool, list[str]]:
    """Whether each run's evidence is there and fits its hash; past its retention it may be gone."""
    ok, told, whole = True, [], 0
    for run in incident.runs:
        name = f"Run {run.summary.trace_id[:12]}"
        try:
            await evidence.get(run.evidence)
        except (Refused, StoreUnavailable) as error:
            due = run.attached_at + settings.recorder.evidence_ttl < datetime.now(UTC)
            if due and not incident.open and isinstance(error, Refused):
                told.append(f"{name}: {error.message}")
                continue
            ok = False
            told.append(f"{name} does not fit: {error.message}")
        else:
            whole += 1
    if incident.runs:
        told.insert(0, f"Evidence: {whole} of {_runs(len(incident.runs))} whole, each with the hash on the timeline.")
    return ok, told


def verify_bundle(settings: Settings, path: Path) -> VerifyResult:
    """Check a bundle file offline, part by part, with the dialects of the packs that ``plugins:`` names.

    Raises Refused when there is no such file, Misconfigured for a pack that cannot be loaded.
    """
    dialects = with_packs(discover(settings.plugins).dialects.values())
    checked = check_bundle(path, chain_of(settings), dialects)
    if not checked.ok:
        return VerifyResult(False, f"{path}: {checked.problem.rstrip('.')}. Do not rely on it.")
    return VerifyResult(True, "\n".join([_first(path, checked), *checked.notes]))


def _first(path: Path, checked: Checked) -> str:
    counts = f"{checked.entries} {'entry' if checked.entries == 1 else 'entries'} and {_runs(checked.runs)}"
    if not checked.open:
        return f"{path}: {checked.incident}, {counts}: every part fits, and Pullcord wrote it."
    return f"{path}: {checked.incident}, {counts}: every part fits. Not checked: {'; '.join(checked.open)}."


def _runs(count: int) -> str:
    return f"{count} {'run' if count == 1 else 'runs'}"


async def export_incident(settings: Settings, incident_id: str, file: BinaryIO) -> Written:
    """Write an incident as a bundle: its timeline with its codes, its runs with their spans and effects, its hashes."""
    async with open_store(settings, guest=True) as store:
        return await write_bundle(store.incidents, store.evidence, store.chain, incident_id, file)


async def export_to(settings: Settings, incident_id: str, path: Path) -> Written:
    """The same to a file that only this user may read: whole or not at all. Raises ActionFailed when it cannot be."""
    if not path.name or _is_no_file(path):
        raise ActionFailed(f"{path} cannot be written (it is no file).", next_step="Name a file with -o.")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            written = await export_incident(settings, incident_id, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise ActionFailed(
            f"{path} cannot be written ({error.strerror}).", next_step="Name another file with -o."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
    return written


def _is_no_file(path: Path) -> bool:
    """Whether something else stands there: /dev/stdout would become a file, and that for the whole machine."""
    with contextlib.suppress(OSError):
        return path.exists() and not path.is_file()
    return False
