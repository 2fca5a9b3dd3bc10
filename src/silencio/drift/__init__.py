"""Which of microphone, weather, season or model has changed: statistics and their verdict, without I/O or clock."""

from silencio.drift.label_shift import Confusion
from silencio.drift.policy import DriftPolicy
from silencio.drift.recordings import Recordings, recordings_of, sites_of
from silencio.drift.reference import FieldReference, extended, field_reference
from silencio.drift.reviews import ReviewCounts
from silencio.drift.verdict import site_verdict

__all__ = [
    "Confusion",
    "DriftPolicy",
    "FieldReference",
    "Recordings",
    "ReviewCounts",
    "extended",
    "field_reference",
    "recordings_of",
    "site_verdict",
    "sites_of",
]
