"""Probabilities of windows as an answer for people: species, names, times."""

from silencio.detections.documents import RecordingDocument, SpeciesEntry, WindowEntry, recording_document

__all__ = ["RecordingDocument", "SpeciesEntry", "WindowEntry", "recording_document"]
