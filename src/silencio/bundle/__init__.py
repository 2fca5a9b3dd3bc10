"""The bundle, the unit of release: load, verify and use one. Nothing here needs torch; `silencio.export` writes them.

Its manifest and its licences are read without ONNX Runtime: what runs graphs is imported when it is asked for.
"""

from typing import TYPE_CHECKING

from silencio.bundle.manifest import BundleManifest, GraphInput, HeadEntry, Tolerances

if TYPE_CHECKING:
    from silencio.bundle.load import Bundle
    from silencio.bundle.scoring import ScoredRecording, Scorer

__all__ = ["Bundle", "BundleManifest", "GraphInput", "HeadEntry", "ScoredRecording", "Scorer", "Tolerances"]


def __getattr__(name: str) -> object:
    if name == "Bundle":
        from silencio.bundle.load import Bundle

        return Bundle
    if name in ("ScoredRecording", "Scorer"):
        from silencio.bundle import scoring

        return getattr(scoring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
