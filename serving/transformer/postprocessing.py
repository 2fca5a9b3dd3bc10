"""From probabilities to documents: names, thresholds, place and season."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kserve.logging import logger
from numpy.typing import NDArray

from serving.transformer.preprocessing import PreprocessedRequest
from serving.transformer.request import ParsedRequest, RecordingMetadata
from silencio.bundle.manifest import BundleManifest
from silencio.detections import RecordingDocument, recording_document
from silencio.detections.documents import TopK
from silencio.detections.formats import FORMATS, ModelFacts
from silencio.detections.prior import BirdnetRange, Prior, SiteList

# Documents of so many take a few milliseconds.
_MANY_WINDOWS = 24


class Postprocessor:
    """Turns probabilities of one bundle into documents.

    Args:
        manifest: The bundle's manifest.
        site_list: A site's species list, as `silencio.detections.prior.SiteList` reads it.
        birdnet_range: Take place and season from BirdNET's range model instead.

    Raises:
        SchemaError: The list cannot be used.
        ConfigError: The range model is not installed.
    """

    def __init__(self, manifest: BundleManifest, site_list: Path | None, birdnet_range: bool = False) -> None:
        self.manifest = manifest
        self._prior: Prior | None = BirdnetRange(manifest.classes) if birdnet_range else None
        self._uses_range_model = birdnet_range
        if site_list is not None:
            sites = SiteList.read(site_list, manifest.classes)
            logger.info("%s: %d rows of species by place and season", site_list, sites.n_rows)
            if sites.unknown:
                logger.warning("%s: the bundle does not know %s", site_list, ", ".join(sites.unknown))
            self._prior = sites

    def takes_long(self, request: PreprocessedRequest) -> bool:
        """Whether others should not wait for it at the event loop."""
        return request.n_windows > _MANY_WINDOWS or self._uses_range_model

    def documents(
        self, request: PreprocessedRequest, probabilities: Sequence[NDArray[np.float32]]
    ) -> list[RecordingDocument]:
        """A document a recording.

        Args:
            request: The request with its features.
            probabilities: Probabilities by recording, float32 (n_windows, n_classes).
        """
        manifest, top_k = self.manifest, _top_k(request.parsed)
        return [
            recording_document(
                recording.starts_s,
                one,
                window_s=manifest.spec.window_s,
                hop_s=manifest.spec.hop_s,
                classes=manifest.classes,
                thresholds=manifest.thresholds,
                top_k=top_k,
                expected=self._prior.expected(metadata.latitude, metadata.longitude, metadata.recorded_at)
                if self._prior
                else None,
                duration_s=recording.duration_s,
                notes=recording.notes,
                bundle_version=manifest.version,
            )
            for recording, metadata, one in zip(request.recordings, request.parsed.metadata, probabilities, strict=True)
        ]

    def text(self, request: PreprocessedRequest, documents: Sequence[RecordingDocument]) -> tuple[str, str] | None:
        """The answer as another program's file, and its media type; None where JSON was requested."""
        output_format = FORMATS.get(request.parsed.options.format)
        if output_format is None:
            return None
        spec = self.manifest.spec
        by_name = zip(_names(request.parsed.metadata), documents, strict=True)
        model = ModelFacts((spec.f_min_hz, spec.f_max_hz), self.manifest.classes.codes)
        return output_format.write(by_name, model), output_format.media_type


def _top_k(parsed: ParsedRequest) -> TopK:
    output_format = FORMATS.get(parsed.options.format)
    return output_format.top_k if output_format else parsed.options.top_k


def _names(metadata: Sequence[RecordingMetadata]) -> list[str]:
    """Different recordings of one request need different names in one file."""
    names = [one.name for one in metadata]
    if len(set(names)) == len(names):
        return names
    return [f"{name}-{i + 1}" for i, name in enumerate(names)]
