"""Which evidence store the configuration chose."""

from pathlib import Path

from bot.evidence.bucket import BucketEvidence
from bot.evidence.directory import DirectoryEvidence
from bot.evidence.spare import SpareEvidence
from bot.ports import EvidenceStore
from bot.settings import Settings


def chosen(settings: Settings, own: EvidenceStore) -> EvidenceStore:
    """The place of ``recorder.evidence``, with ``own`` (the store) as its spare one; or ``own`` itself."""
    evidence, ttl = settings.recorder.evidence, settings.recorder.evidence_ttl
    if evidence.store == "directory":
        return SpareEvidence(DirectoryEvidence(Path(evidence.directory or "").expanduser(), ttl), own)
    if evidence.store == "s3":
        return SpareEvidence(BucketEvidence(evidence, ttl), own)
    return own
