"""Sessions, species, effort and occurrences: what an operator and an ecologist need of the prediction log.

Pure: tables in, numbers out; no files, no clock, no network. `monitoring.ecology` reads the log and writes files.
"""

from silencio.ecology.accumulation import Accumulation, Benchmark, accumulation
from silencio.ecology.activity import Activity, by_day, by_hour, by_hour_and_species
from silencio.ecology.detections import Detection, Observations, Review, ReviewKey, observations_of
from silencio.ecology.occasions import DetectionHistory, detection_history
from silencio.ecology.places import NO_SITE, Places, Site
from silencio.ecology.recordings import COLUMNS, LeftOut, Recording, Request, recordings_of
from silencio.ecology.richness import Estimate, expected_species, rarefied
from silencio.ecology.sessions import Session, SessionNumbers, session_numbers, sessions_of

__all__ = [
    "COLUMNS",
    "NO_SITE",
    "Accumulation",
    "Activity",
    "Benchmark",
    "Detection",
    "DetectionHistory",
    "Estimate",
    "LeftOut",
    "Observations",
    "Places",
    "Recording",
    "Request",
    "Review",
    "ReviewKey",
    "Session",
    "SessionNumbers",
    "Site",
    "accumulation",
    "by_day",
    "by_hour",
    "by_hour_and_species",
    "detection_history",
    "expected_species",
    "observations_of",
    "rarefied",
    "recordings_of",
    "session_numbers",
    "sessions_of",
]
