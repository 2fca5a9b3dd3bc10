"""Gates: one policy decides whether a model may be offered, and says why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from silencio.evaluation.calibration_error import MIN_RECORDINGS, CalibrationError
from silencio.evaluation.comparisons import CHAMPION, COMPARED, Comparison
from silencio.evaluation.gate_policy import GatePolicy
from silencio.evaluation.slices import SliceMetrics
from silencio.evaluation.verdict import Reason, Verdict, verdict_facts

__all__ = ["GatePolicy", "Reason", "Verdict", "apply_gates", "verdict_facts"]

_SLICES = "champion on slices"


def apply_gates(
    policy: GatePolicy,
    figures: Mapping[str, float],
    soundscape_figures: Mapping[str, float | None] | None,
    calibration: CalibrationError | None,
    comparisons: Sequence[Comparison],
    slices: Sequence[SliceMetrics],
    champion: str = "",
) -> Verdict:
    """Hold a model's figures against the policy; a figure that is missing or no number fails its gate.

    Every gate that there is stands in the verdict: with its figures, or as not asked, and why.

    Args:
        policy: What is asked.
        figures: Of the test recordings.
        soundscape_figures: Of the annotated soundscapes; None or empty where none were scored.
        calibration: Error of the most probable species on test recordings; None where it was not computed.
        comparisons: With references and with the champion.
        slices: With their change against the champion.
        champion: Its version; empty where there is none.
    """
    compared = {(entry.other, entry.metric): entry for entry in comparisons}
    has_champion = bool(champion) or any(entry.other == CHAMPION for entry in comparisons)
    reasons = [_minimum("test", name, bound, figures) for name, bound in policy.minimum.items()]
    reasons += _soundscapes(policy, soundscape_figures)
    if policy.max_calibration_error is not None:
        reasons.append(_calibration(calibration, policy.max_calibration_error))
    for gate, asked in (("beats", policy.beats), ("not worse than", policy.not_worse_than)):
        for other, name in [(other, name) for other, names in asked.items() for name in names]:
            found = compared.get((other, name))
            if other == CHAMPION and not has_champion:
                reasons.append(_no_champion(f"{gate} {other} in {name}"))
            elif gate == "beats":
                reasons.append(_beats(other, name, policy.beats_margin, found))
            else:
                reasons.append(_not_worse(other, name, policy.not_worse_margin, found))
    reasons += _champion(policy, compared, slices, champion, has_champion=has_champion)
    if not any(reason.decides for reason in reasons):
        words = "No gate decided, and what nothing speaks for is not registered: refused."
        reasons.append(Reason("any gate at all", False, words))
    return Verdict([*reasons, *_taken_away(policy)])


def _minimum(where: str, name: str, bound: float, figures: Mapping[str, float | None]) -> Reason:
    gate, value = f"minimum {where} {name}", figures.get(name)
    if value is None or not math.isfinite(value):
        return Reason(gate, False, f"{where} {name} was not computed, the policy asks for at least {bound:g}: refused.")
    passed = value >= bound
    words = f"{where} {name} is {value:.3f}, the policy asks for at least {bound:g}"
    return Reason(gate, passed, f"{words}: {_word(passed)}.")


def _soundscapes(policy: GatePolicy, figures: Mapping[str, float | None] | None) -> list[Reason]:
    if figures or not policy.soundscape_minimum:
        return [
            _minimum("soundscapes", name, bound, figures or {}) for name, bound in policy.soundscape_minimum.items()
        ]
    if policy.soundscapes == "none":
        return [Reason.not_asked("soundscapes", "The policy says that there are no soundscapes to score: not asked.")]
    return [
        Reason(
            "soundscapes",
            False,
            f"No soundscapes were scored, and the policy has minimums for {', '.join(policy.soundscape_minimum)} "
            "(gates.soundscapes: none, where there are none to score): refused.",
        )
    ]


def _calibration(found: CalibrationError | None, bound: float) -> Reason:
    """Refused only where the error is above beyond doubt, as every comparison is."""
    if found is None or not all(math.isfinite(value) for value in (found.value, *found.interval)):
        words = f"The calibration error was not computed, the policy allows {bound:g}"
        return Reason("calibration", False, f"{words}: refused.")
    low, high = found.interval
    words = (
        f"The calibration error of the most probable species is {found.value:.3f} [{low:.3f}, {high:.3f}] on "
        f"{found.n_recordings} recordings, the policy allows {bound:g}"
    )
    if low <= bound < high and found.n_recordings < MIN_RECORDINGS:
        return Reason("calibration", True, f"{words}: too few to decide.", decides=False)
    passed = low <= bound
    if passed and found.value > bound:
        words += ", and above it is not beyond doubt"
    return Reason("calibration", passed, f"{words}: {_word(passed)}.")


def _champion(
    policy: GatePolicy,
    compared: Mapping[tuple[str, str], Comparison],
    slices: Sequence[SliceMetrics],
    champion: str,
    *,
    has_champion: bool,
) -> list[Reason]:
    margin, slice_margin = policy.champion_margin, policy.slice_margin
    if not has_champion:
        gates = [(CHAMPION, margin), (_SLICES, slice_margin)]
        return [_no_champion(gate) for gate, asked in gates if asked is not None]
    if not any(other == CHAMPION for other, _ in compared):
        return [] if margin is None and slice_margin is None else [_champion_not_compared(champion)]
    reasons = []
    if margin is not None:
        reasons += [_not_worse(CHAMPION, name, margin, compared.get((CHAMPION, name))) for name in COMPARED]
    if slice_margin is not None:
        reasons += [_slice_not_worse(entry, slice_margin) for entry in slices]
        if not slices:
            reasons.append(Reason(_SLICES, False, "No slice was compared with the champion: refused."))
    return reasons


def _no_champion(gate: str) -> Reason:
    return Reason.not_asked(gate, f"There is no champion to compare with{_where(gate)}: not asked.")


def _where(gate: str) -> str:
    return " on slices" if gate == _SLICES else "" if gate == CHAMPION else f" ({gate})"


def _champion_not_compared(champion: str) -> Reason:
    return Reason(
        CHAMPION,
        False,
        f"Champion {champion} was not compared: it learned from every test recording of a species that it knows, or "
        "does not say what it learned from (--previous with its bundle keeps its split, --champion none compares "
        "with nothing): refused.",
    )


def _beats(other: str, name: str, margin: float, found: Comparison | None) -> Reason:
    gate, against = f"beats {other} in {name}", _against(other)
    if found is None:
        return Reason(gate, False, f"{name} was not compared with {against}: refused.")
    passed = found.interval[0] > margin
    words = f"{name} differs by {_difference(found)} from {against}; the interval must lie above {margin:+g}"
    return Reason(gate, passed, f"{words}: {_word(passed)}.")


def _not_worse(other: str, name: str, margin: float, found: Comparison | None) -> Reason:
    against = _against(other)
    gate = f"champion {name}" if other == CHAMPION else f"not worse than {other} in {name}"
    if found is None:
        return Reason(gate, False, f"{name} was not compared with {against}: refused.")
    passed = not _worse(found.difference, found.interval, margin)
    words = f"{name} differs by {_difference(found)} from {against}; the policy allows {-margin:g}"
    return Reason(gate, passed, f"{words}: {_word(passed)}.")


def _slice_not_worse(found: SliceMetrics, margin: float) -> Reason:
    gate = f"champion on slice {found.name}"
    if found.change is None or found.change_interval is None:
        return Reason.not_asked(gate, f"Slice {found.name}: the champion knows none of its species: not asked.")
    low, high = found.change_interval
    words = (
        f"Slice {found.name}: top1 differs by {found.change:+.3f} [{low:+.3f}, {high:+.3f}] on {found.n_recordings} "
        "recordings from the champion's"
    )
    if not found.counted:
        return Reason(gate, True, f"{words}: too few to decide.", decides=False)
    passed = not _worse(found.change, found.change_interval, margin)
    return Reason(gate, passed, f"{words}; the policy allows {-margin:g}: {_word(passed)}.")


def _worse(difference: float, interval: tuple[float, float], margin: float) -> bool:
    """Beyond the margin, and not by chance; what is no number is worse."""
    if not all(math.isfinite(value) for value in (difference, *interval)):
        return True
    return difference < -margin and interval[1] < 0


def _difference(found: Comparison) -> str:
    low, high = found.interval
    return f"{found.difference:+.3f} [{low:+.3f}, {high:+.3f}] on {found.n_recordings} recordings"


def _against(other: str) -> str:
    return "the champion" if other == CHAMPION else other


def _word(passed: bool) -> str:
    return "passed" if passed else "refused"


def _taken_away(policy: GatePolicy) -> list[Reason]:
    """Every gate of the policy that ships which this one does not have: who reads a verdict sees that it is missing."""
    shipped, found = GatePolicy.shipped(), []
    for where, asked, usual in (
        ("test", policy.minimum, shipped.minimum),
        ("soundscapes", policy.soundscape_minimum, shipped.soundscape_minimum),
    ):
        found += [
            (f"minimum {where} {name}", f"at least {bound:g}") for name, bound in usual.items() if name not in asked
        ]
    if policy.max_calibration_error is None and shipped.max_calibration_error is not None:
        found.append(("calibration", f"at most {shipped.max_calibration_error:g}"))
    for gate, references, usual_references, margin in (
        ("beats", policy.beats, shipped.beats, shipped.beats_margin),
        ("not worse than", policy.not_worse_than, shipped.not_worse_than, shipped.not_worse_margin),
    ):
        found += [
            (f"{gate} {other} in {name}", f"margin {margin:g}")
            for other, names in usual_references.items()
            for name in names
            if name not in references.get(other, [])
        ]
    for gate, asked_margin, usual_margin in (
        (CHAMPION, policy.champion_margin, shipped.champion_margin),
        (_SLICES, policy.slice_margin, shipped.slice_margin),
    ):
        if asked_margin is None and usual_margin is not None:
            found.append((gate, f"margin {usual_margin:g}"))
    return [
        Reason.not_asked(gate, f"The configuration took away {gate} ({usual} in the policy that ships): not asked.")
        for gate, usual in found
    ]
