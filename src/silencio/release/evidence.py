"""What rules may look at: counts by interval, pairs of answers, replayed recordings, state of the servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ArmCounts:
    """Events of one arm within one interval. A unit is a session, or a request without one; each counts once a step.

    Attributes:
        requests: Predict requests that were answered, shadow and simulated ones not among them.
        failed_requests: Those of `requests` that were answered by 5xx, or by nothing (the proxy counts these).
        rejected_requests: Those with 413, 429 and 503 that say when to come again.
        client_errors: Those with another 4xx.
        units: Sessions that began, and requests without a session.
        failed_units: Units with a failed request.
        slow_units: Units with a request slower than the frozen bound (`Evidence.slow_bound_s`).
        beyond_limit_units: Units with a request slower than the policy's absolute limit.
        rejected_units: Units with a rejected request.
    """

    requests: int = 0
    failed_requests: int = 0
    rejected_requests: int = 0
    client_errors: int = 0
    units: int = 0
    failed_units: int = 0
    slow_units: int = 0
    beyond_limit_units: int = 0
    rejected_units: int = 0


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A stretch of time with one share, between two looks; settling time is in none.

    Attributes:
        step: Place of the step in the policy's list.
        share: Share of units that the challenger was to get, 0 to 1. Interleaved simulated users at 0 %: .5.
        began_s: Seconds since the release began.
        ended_s: Seconds since the release began.
        champion: Counts of the champion's arm.
        challenger: Counts of the challenger's arm.
        simulated: Whether these were simulated users before any visitor.
    """

    step: int
    share: float
    began_s: float
    ended_s: float
    champion: ArmCounts
    challenger: ArmCounts
    simulated: bool = False


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Labelled recordings that neither bundle learned from, answered by both.

    Attributes:
        champion_right: Whether the champion's most probable species is the label, (n_recordings,), 0 or 1.
        challenger_right: The same of the challenger.
        slices: Masks by name, each (n_recordings,), as `silencio.evaluation.slice_masks` gives them.
        recordings: Names, for the page's list of negative flips.
        labels: Codes of the right answers.
        champion_named: Codes that the champion named most probable.
        challenger_named: The same of the challenger.
    """

    champion_right: NDArray[np.int8]
    challenger_right: NDArray[np.int8]
    slices: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    recordings: Sequence[str] = ()
    labels: Sequence[str] = ()
    champion_named: Sequence[str] = ()
    challenger_named: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class SpeciesPair:
    """Recordings in which one species was detected, of those that both arms answered (replay, shadow, simulated users).

    Attributes:
        both: Recordings in which both named it.
        only_champion: Recordings in which the champion alone named it.
        only_challenger: Recordings in which the challenger alone named it.
    """

    both: int = 0
    only_champion: int = 0
    only_challenger: int = 0


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Answers of both bundles to the same recordings.

    Attributes:
        disagreement: (n_recordings,) in [0, 1]: share of a recording's windows whose detected set differs.
        species: By code, over the classes that both have.
        top_probability: (n_recordings, 2): mean top probability of champion and challenger.
    """

    disagreement: NDArray[np.float64]
    species: Mapping[str, SpeciesPair] = field(default_factory=dict)
    top_probability: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class ArmHealth:
    """State of one arm's servers.

    Attributes:
        parity_passed: Whether its parity clips gave the bundle's numbers; None: not replayed yet.
        ready_s: Seconds for which it has been ready without a break; None: it is not.
        restarts: Since the release began.
        resident_bytes: Resident memory of its servers.
        cpu_s_per_window: CPU seconds a window.
        cpu_s: CPU seconds since its servers began, by whose difference a driver works `cpu_s_per_window` out.
        n_windows: Windows that they have scored since then.
    """

    parity_passed: bool | None = None
    ready_s: float | None = None
    restarts: int = 0
    resident_bytes: float | None = None
    cpu_s_per_window: float | None = None
    cpu_s: float | None = None
    n_windows: float | None = None


@dataclass(frozen=True, kw_only=True)
class ClassChange:
    """How the two bundles' class lists and thresholds differ.

    Attributes:
        new: Codes that only the challenger has.
        gone: Codes that only the champion has.
        gone_detections: Detections of gone classes by the champion in the last 30 days.
        spec_gone: Whether the champion's feature specification is not the challenger's.
        log_mel_requests: Requests in the last 30 days that sent features instead of sound.
        thresholds: By code that both have: champion's and challenger's.
    """

    new: Sequence[str] = ()
    gone: Sequence[str] = ()
    gone_detections: Mapping[str, int] = field(default_factory=dict)
    spec_gone: bool = False
    log_mel_requests: int = 0
    thresholds: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that is known at one look.

    Attributes:
        step: Place of the current step in the policy's list.
        target_share: Share that the challenger should get now, 0 to 1.
        in_step_s: Seconds since the step's share was confirmed and had settled.
        intervals: All of the release so far, in order.
        slow_bound_s: Smallest histogram bound at or above the champion's p95, frozen at the start; None: unknown.
        blind_s: Seconds for which counts could not be read; 0 where they can.
        replay: None: not replayed yet.
        pairs: None: there are none yet.
        champion: State of its servers.
        challenger: State of its servers.
        classes: How class lists differ.
    """

    step: int = 0
    target_share: float = 0.0
    in_step_s: float = 0.0
    intervals: Sequence[Interval] = ()
    slow_bound_s: float | None = None
    blind_s: float = 0.0
    replay: Replay | None = None
    pairs: Pairs | None = None
    champion: ArmHealth = field(default_factory=ArmHealth)
    challenger: ArmHealth = field(default_factory=ArmHealth)
    classes: ClassChange = field(default_factory=ClassChange)
