"""What people say of detections: judgements, and how they are read.

A judgement is a row that is never changed: a later one takes its place by `replaces_id`.
"""

from silencio.feedback.judgement import ANY_SPECIES, JUDGEMENT_SCHEMA, UNKNOWN_SPECIES, Judgement, window_id
from silencio.feedback.latest import Held, held_judgements, verdicts
from silencio.feedback.reviewed import Detection, ReviewedDetection, reviewed_detections
from silencio.feedback.table import judgements_of, table_of

__all__ = [
    "ANY_SPECIES",
    "JUDGEMENT_SCHEMA",
    "UNKNOWN_SPECIES",
    "Detection",
    "Held",
    "Judgement",
    "ReviewedDetection",
    "held_judgements",
    "judgements_of",
    "reviewed_detections",
    "table_of",
    "verdicts",
    "window_id",
]
