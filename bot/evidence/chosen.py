"""Which evidence store the configuration chose."""

from pathlib import Path

from bot.evidence.bucket import BucketEvidence
from bot.evidence.directory import DirectoryEvidence
from bot.evidence.spare import SpareEvidence
from bot.ports import EvidenceStore
from bot.settings import Settings


def chosen(settings: Settings, own: EvidenceStore) -> EvidenceStore:
    """The place of ``recorder.evidence``, with ``own`` (the store) as its spare one; or ``own`` itself."""
    place = elsewhere(settings)
    return own if place is None else SpareEvidence(place, own)


def elsewhere(settings: Settings) -> EvidenceStore | None:
    """The directory or bucket of ``recorder.evidence`` alone; None where evidence lies in the store."""
    evidence, ttl = settings.recorder.evidence, settings.recorder.evidence_ttl
    if evidence.store == "directory":
        return DirectoryEvidence(Path(evidence.directory or "").expanduser(), ttl)
    return BucketEvidence(evidence, ttl) if evidence.store == "s3" else None
