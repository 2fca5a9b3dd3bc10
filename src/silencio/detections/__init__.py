"""Probabilities of windows as an answer for people: species, names, times, by place and season, in many formats."""

from silencio.detections.documents import (
    DetectionEntry,
    RecordingDocument,
    SpeciesEntry,
    WindowEntry,
    recording_document,
)
from silencio.detections.prior import Expected, Prior, SiteList

__all__ = [
    "DetectionEntry",
    "Expected",
    "Prior",
    "RecordingDocument",
    "SiteList",
    "SpeciesEntry",
    "WindowEntry",
    "recording_document",
]
