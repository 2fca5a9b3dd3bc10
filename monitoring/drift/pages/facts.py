"""What a day's pages are made of, beside the document itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from silencio.drift.document import DriftDocument
from silencio.explanations.occlusion import Explanation
from silencio.features import FeatureSpec


@dataclass(frozen=True, kw_only=True)
class ExplainedPrediction:
    """What a prediction of a window rests on.

    Attributes:
        code: The species that is explained.
        explanation: By cells of frequency and time.
    """

    code: str
    explanation: Explanation


@dataclass(frozen=True, kw_only=True)
class TypicalWindow:
    """A window that is like its period, to be looked at.

    Attributes:
        device_id: Recorder.
        recorded_at: When, as text.
        recording_sha256: Recording that it is of.
        start_s: Second of the recording at which it begins.
        facts: What the log has of its sound, as text.
        waveform: (n_samples,) at the specification's rate; None where the recording is not at hand.
        explained: What its most probable species rests on; None without a bundle, or where it is silent.
    """

    device_id: str
    recorded_at: str
    recording_sha256: str
    start_s: float
    facts: str
    waveform: NDArray[np.int16] | None = None
    explained: ExplainedPrediction | None = None


@dataclass(frozen=True, kw_only=True)
class WindowPair:
    """Typical windows before and after a change, of one device.

    Attributes:
        device_id: Recorder.
        before: Windows of the reference.
        after: Windows of the day.
    """

    device_id: str
    before: Sequence[TypicalWindow]
    after: Sequence[TypicalWindow]


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    """What is known of a site beside its verdict.

    Attributes:
        windows: Typical windows, a pair a device.
        references: One sentence a reference: of which device, from when, how many recordings, its sha256.
        notes: One sentence each: rows that were left out, clocks that are wrong.
        why_no_sound: Why there are no spectrograms; empty where there are.
        evidently: Names of Evidently's pages beside this one.
    """

    windows: Sequence[WindowPair] = ()
    references: Sequence[str] = ()
    notes: Sequence[str] = ()
    why_no_sound: str = ""
    evidently: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class PageFacts:
    """Everything that a day's pages show.

    Attributes:
        history: Documents by day, that of the pages last.
        sites: By name; a site without any is shown by its verdict alone.
        spec: How spectrograms are computed.
    """

    history: Sequence[DriftDocument]
    sites: Mapping[str, SiteFacts] = field(default_factory=dict)
    spec: FeatureSpec = field(default_factory=lambda: FeatureSpec(last_window="moved_back"))

    @property
    def document(self) -> DriftDocument:
        """That of the pages."""
        return self.history[-1]
