"""How class lists, thresholds and feature specifications of two bundles differ, and who would notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from silencio.audio import AUDIO_STATISTICS
from silencio.bundle.manifest import BundleManifest
from silencio.prediction_log.reader import answered
from silencio.release.evidence import ClassChange

SpeciesStatus = Literal["both", "new", "gone"]
# What clients use of a bundle is looked up over so many days.
USAGE_DAYS = 30
# What `log_usage` reads of a prediction log.
USAGE_COLUMNS = (
    "request_id",
    "prediction_id",
    "recording_sha256",
    "n_samples",
    "status",
    "shadow",
    "detected_codes",
    *AUDIO_STATISTICS,
)


@dataclass(frozen=True, kw_only=True)
class LogUsage:
    """What a stretch of the prediction log says of how a bundle is used.

    Attributes:
        detections: Recordings in which a species was named to a client, by code.
        log_mel_requests: Requests that sent features instead of sound.
    """

    detections: Mapping[str, int] = field(default_factory=dict)
    log_mel_requests: int = 0


def class_change(champion: BundleManifest, challenger: BundleManifest, usage: LogUsage | None = None) -> ClassChange:
    """Hold two manifests against each other.

    Args:
        champion: What serves.
        challenger: What is offered.
        usage: Usage by the last 30 days of the prediction log; None: there is none, nobody is known to be affected.
    """
    usage = usage or LogUsage()
    own, theirs = champion.classes.codes, challenger.classes.codes
    gone = tuple(code for code in own if code not in challenger.classes.index)
    return ClassChange(
        new=tuple(code for code in theirs if code not in champion.classes.index),
        gone=gone,
        gone_detections={code: n for code in gone if (n := usage.detections.get(code, 0))},
        spec_gone=champion.spec_sha256 != challenger.spec_sha256,
        log_mel_requests=usage.log_mel_requests,
        thresholds={
            code: (champion.thresholds[code], challenger.thresholds[code])
            for code in own
            if code in challenger.classes.index and code in champion.thresholds and code in challenger.thresholds
        },
    )


def status_of(code: str, champion: BundleManifest, challenger: BundleManifest) -> SpeciesStatus:
    """Which of the two has a species."""
    if code not in champion.classes.index:
        return "new"
    return "both" if code in challenger.classes.index else "gone"


def log_usage(table: pa.Table) -> LogUsage:
    """Count what clients were answered; shadow traffic is not.

    Args:
        table: Rows from `silencio.prediction_log.read_log`, with `USAGE_COLUMNS`.
    """
    of_clients = answered(table.filter(pc.invert(pc.fill_null(table["shadow"], False))))
    named: dict[str, set[str]] = {}
    columns = (of_clients[name].to_pylist() for name in ("prediction_id", "request_id", "detected_codes"))
    for prediction, request, codes in zip(*columns, strict=True):
        for code in codes or ():
            named.setdefault(code, set()).add(prediction or request)
    return LogUsage(
        detections={code: len(found) for code, found in sorted(named.items())},
        log_mel_requests=len(pc.unique(of_clients.filter(_is_features(of_clients))["request_id"])),
    )


def _is_features(table: pa.Table) -> pa.Array:
    """Rows of features: nothing is known of a sound. Logs from before recordings were named still have its level."""
    lacks = None
    for name in ("recording_sha256", "n_samples", *AUDIO_STATISTICS):
        one = pc.is_null(table[name])
        lacks = one if lacks is None else pc.and_(lacks, one)
    return lacks
