"""What a release's page is made of: the record, every look, and what is known of how the bundles differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from silencio.features import FeatureSpec
from silencio.release.evidence import Interval
from silencio.release.record import ReleaseRecord
from silencio.release.verdict import RuleVerdict
from silencio.reports.release.comparison_facts import FlipFacts, ReplayFacts, SpeciesFacts, WindowFacts
from silencio.reports.release.facts import Link


@dataclass(frozen=True, kw_only=True)
class Look:
    """Every rule at one time.

    Attributes:
        at: ISO 8601.
        verdicts: One a rule.
    """

    at: str
    verdicts: Sequence[RuleVerdict]


@dataclass(frozen=True, kw_only=True)
class WindowSound:
    """Sound of a window of disagreement, where the recording is at hand.

    Attributes:
        waveform: (n_samples,) at the specification's rate.
        spec: Feature specification of the bundle that the window is of.
    """

    waveform: NDArray[np.int16]
    spec: FeatureSpec


@dataclass(frozen=True, kw_only=True)
class Licences:
    """What may be done with either bundle, as their manifests say.

    Attributes:
        champion: Verdict of the champion's manifest; None: unknown.
        challenger: Verdict of the challenger's manifest; None: unknown.
    """

    champion: str | None = None
    challenger: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReleaseInputs:
    """Everything; whatever is not known yet is left out.

    Attributes:
        record: As it was saved last.
        looks: In order of time; None: those that the record keeps.
        written_at: When the page is made, ISO 8601.
        intervals: Counts by interval; None: those of the record.
        replay: None: not replayed yet.
        flips: None: not replayed yet.
        species: None: not compared yet.
        windows: Where the bundles disagree, the largest disagreement first.
        sounds: Sound of some windows, by (recording, begin_s).
        licences: What may be done with the bundles.
        not_seen: Kinds of evidence that were not to be had, each with the reason.
        links: Places with more.
    """

    record: ReleaseRecord
    looks: Sequence[Look] | None = None
    written_at: str
    intervals: Sequence[Interval] | None = None
    replay: ReplayFacts | None = None
    flips: FlipFacts | None = None
    species: SpeciesFacts | None = None
    windows: Sequence[WindowFacts] = ()
    sounds: Mapping[tuple[str, float], WindowSound] = field(default_factory=dict)
    licences: Licences = field(default_factory=Licences)
    not_seen: Mapping[str, str] = field(default_factory=dict)
    links: Sequence[Link] = ()
