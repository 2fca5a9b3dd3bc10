"""The bundle, the unit of release: load, verify and use one. Nothing here needs torch; `bundle.export` makes one."""

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import BundleManifest, GraphInput, HeadEntry, Tolerances
from silencio.bundle.scoring import ScoredRecording, Scorer

__all__ = ["Bundle", "BundleManifest", "GraphInput", "HeadEntry", "ScoredRecording", "Scorer", "Tolerances"]
