"""Gates: one policy decides whether a model may be offered, and says why."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from silencio.evaluation.comparisons import COMPARED, Comparison
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.slices import SliceFigures
from silencio.evaluation.soundscape_figures import SoundscapeFigures
from silencio.storage import write_atomically

_CHAMPION = "champion"


class GatePolicy(BaseModel):
    """The policy; `src/silencio/presets/gates/policy.yaml` is the one that ships.

    Attributes:
        minimum: By figure of the test recordings, the least value.
        soundscape_minimum: By figure of the annotated soundscapes, the least value.
        soundscapes: `required`: where `soundscape_minimum` asks for something and no soundscapes were scored, the gate
            fails. `none`: the run is known to have none, and their minimums hold only if there are some after all.
        most_calibration_error: Of the most probable species (ECE).
        beats: By reference, the figures in which the model must beat it; the lower bound of the paired 95 % interval
            must be above `beats_margin`.
        beats_margin: See `beats`.
        not_worse_than: By reference, the figures in which the model may not be worse by more than `not_worse_margin`.
            It fails where the difference is larger and the paired 95 % interval excludes zero.
        not_worse_margin: See `not_worse_than`.
        slice_margin: A counted slice may be worse than the champion's by so much top-1; as for `not_worse_than`.
        champion_margin: The same for all test recordings together, macro mAP and top-1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    minimum: dict[str, float] = Field(default_factory=dict)
    soundscape_minimum: dict[str, float] = Field(default_factory=dict)
    soundscapes: Literal["required", "none"] = "required"
    most_calibration_error: float = Field(1.0, ge=0, le=1)
    beats: dict[str, list[str]] = Field(default_factory=dict)
    beats_margin: float = 0.0
    not_worse_than: dict[str, list[str]] = Field(default_factory=dict)
    not_worse_margin: float = Field(0.0, ge=0)
    slice_margin: float = Field(0.05, ge=0)
    champion_margin: float = Field(0.02, ge=0)

    @field_validator("minimum")
    @classmethod
    def _of_recordings(cls, minimum: dict[str, float]) -> dict[str, float]:
        _check_names(minimum, _numbers(Metrics))
        return minimum

    @field_validator("soundscape_minimum")
    @classmethod
    def _of_soundscapes(cls, minimum: dict[str, float]) -> dict[str, float]:
        _check_names(minimum, _numbers(SoundscapeFigures))
        return minimum

    @field_validator("beats", "not_worse_than")
    @classmethod
    def _of_comparisons(cls, references: dict[str, list[str]]) -> dict[str, list[str]]:
        _check_names([name for names in references.values() for name in names], COMPARED)
        return references

    @classmethod
    def shipped(cls) -> GatePolicy:
        """The policy that holds where a configuration says nothing else."""
        text = (files("silencio") / "presets" / "gates" / "policy.yaml").read_text(encoding="utf-8")
        return cls.model_validate(yaml.safe_load(text), strict=False)


def _numbers(figures: type) -> list[str]:
    return [field.name for field in fields(figures) if field.type in ("int", "float", "float | None")]


def _check_names(wanted: Iterable[str], known: Sequence[str]) -> None:
    """A gate on a figure that does not exist would refuse every model, after hours."""
    for name in wanted:
        if name not in known:
            raise ValueError(f"{name!r} is not computed: choose from {', '.join(known)}")


@dataclass(frozen=True)
class Reason:
    """The outcome of one gate.

    Attributes:
        gate: Its name.
        passed: True also for what is only shown.
        message: One sentence with value and bound.
        decides: False where too few recordings make it a note.
    """

    gate: str
    passed: bool
    message: str
    decides: bool = True


@dataclass(frozen=True)
class Verdict:
    """The whole decision; passed when every deciding gate passed, and at least one decided."""

    reasons: list[Reason]

    @property
    def passed(self) -> bool:
        return any(reason.decides for reason in self.reasons) and all(reason.passed for reason in self.reasons)

    @property
    def refusals(self) -> list[str]:
        """What the failed gates say."""
        return [reason.message for reason in self.reasons if not reason.passed]

    def save(self, path: Path) -> None:
        """Keep as JSON: `passed` and `reasons`."""
        facts = {"passed": self.passed, "reasons": [asdict(reason) for reason in self.reasons]}
        write_atomically(path, json.dumps(facts, indent=1))

    @classmethod
    def load(cls, path: Path) -> Verdict:
        """The inverse of `save`."""
        facts = json.loads(path.read_text(encoding="utf-8"))
        return cls([Reason(**reason) for reason in facts["reasons"]])


def apply_gates(
    policy: GatePolicy,
    figures: Mapping[str, float],
    soundscape_figures: Mapping[str, float | None] | None,
    calibration_error: float,
    comparisons: Sequence[Comparison],
    slices: Sequence[SliceFigures],
    champion: str = "",
) -> Verdict:
    """Hold a model's figures against the policy; a figure that is missing or no number fails its gate.

    Args:
        policy: What is asked.
        figures: Of the test recordings.
        soundscape_figures: Of the annotated soundscapes; None or empty where none were scored.
        calibration_error: ECE of the most probable species on test recordings.
        comparisons: With references and with the champion.
        slices: With their change against the champion.
        champion: Its version; empty where there is none.
    """
    compared = {(entry.other, entry.figure): entry for entry in comparisons}
    reasons = [_minimum("test", name, least, figures) for name, least in policy.minimum.items()]
    reasons += _soundscapes(policy, soundscape_figures)
    reasons.append(_calibration(calibration_error, policy.most_calibration_error))
    for other, names in policy.beats.items():
        reasons += [_beats(other, name, policy.beats_margin, compared.get((other, name))) for name in names]
    for other, names in policy.not_worse_than.items():
        reasons += [_not_worse(other, name, policy.not_worse_margin, compared.get((other, name))) for name in names]
    if any(entry.other == _CHAMPION for entry in comparisons):
        found = [(figure, compared.get((_CHAMPION, figure))) for figure in COMPARED]
        reasons += [_not_worse(_CHAMPION, figure, policy.champion_margin, one) for figure, one in found]
        reasons += [_slice_not_worse(entry, policy.slice_margin) for entry in slices]
        if not slices:
            reasons.append(Reason("champion on slices", False, "No slice was compared with the champion: refused."))
    else:
        reasons.append(_champion_not_compared(champion))
    return Verdict(reasons)


def _soundscapes(policy: GatePolicy, figures: Mapping[str, float | None] | None) -> list[Reason]:
    if figures or not policy.soundscape_minimum:
        return [
            _minimum("soundscapes", name, least, figures or {}) for name, least in policy.soundscape_minimum.items()
        ]
    if policy.soundscapes == "none":
        return [Reason("soundscapes", True, "The policy says that there are no soundscapes to score.", decides=False)]
    return [
        Reason(
            "soundscapes",
            False,
            f"No soundscapes were scored, and the policy has minimums for {', '.join(policy.soundscape_minimum)} "
            "(gates.soundscapes: none, where there are none to score): refused.",
        )
    ]


def _champion_not_compared(champion: str) -> Reason:
    if not champion:
        return Reason(_CHAMPION, True, "There is no champion to compare with.", decides=False)
    return Reason(
        _CHAMPION,
        False,
        f"Champion {champion} was not compared: it learned from every test recording of a species that it knows, or "
        "does not say what it learned from (--previous with its bundle keeps its split, --champion none compares "
        "with nothing): refused.",
    )


def _minimum(where: str, name: str, least: float, figures: Mapping[str, float | None]) -> Reason:
    gate, value = f"minimum {where} {name}", figures.get(name)
    if value is None or not math.isfinite(value):
        return Reason(gate, False, f"{where} {name} was not computed, the policy asks for at least {least:g}: refused.")
    passed = value >= least
    words = f"{where} {name} is {value:.3f}, the policy asks for at least {least:g}"
    return Reason(gate, passed, f"{words}: {'passed' if passed else 'refused'}.")


def _calibration(error: float, most: float) -> Reason:
    passed = error <= most
    words = f"The calibration error of the most probable species is {error:.3f}, the policy allows {most:g}"
    return Reason("calibration", passed, f"{words}: {'passed' if passed else 'refused'}.")


def _beats(other: str, name: str, margin: float, found: Comparison | None) -> Reason:
    if found is None:
        return Reason(f"beats {other} in {name}", False, f"{name} was not compared with {other}: refused.")
    passed = found.interval[0] > margin
    words = f"{name} is {_difference(found)} against {other}; the interval must lie above {margin:+g}"
    return Reason(f"beats {other} in {name}", passed, f"{words}: {'passed' if passed else 'refused'}.")


def _not_worse(other: str, name: str, margin: float, found: Comparison | None) -> Reason:
    is_champion = other == _CHAMPION
    gate = f"champion {name}" if is_champion else f"not worse than {other} in {name}"
    against = "the champion" if is_champion else other
    if found is None:
        return Reason(gate, False, f"{name} was not compared with {against}: refused.")
    passed = not _worse(found.difference, found.interval, margin)
    words = f"{name} is {_difference(found)} against {against}, margin {margin:g}"
    return Reason(gate, passed, f"{words}: {'passed' if passed else 'refused'}.")


def _slice_not_worse(found: SliceFigures, margin: float) -> Reason:
    gate = f"champion on slice {found.name}"
    if found.change is None or found.change_interval is None:
        return Reason(gate, True, f"Slice {found.name}: the champion cannot be asked.", decides=False)
    low, high = found.change_interval
    words = f"Slice {found.name}: top1 {found.change:+.3f} [{low:+.3f}, {high:+.3f}] on {found.n_recordings} recordings"
    if not found.counted:
        return Reason(gate, True, f"{words}, too few to decide.", decides=False)
    passed = not _worse(found.change, found.change_interval, margin)
    return Reason(gate, passed, f"{words}, margin {margin:g}: {'passed' if passed else 'refused'}.")


def _worse(difference: float, interval: tuple[float, float], margin: float) -> bool:
    """Beyond the margin, and not by chance; what is no number is worse."""
    if not all(math.isfinite(value) for value in (difference, *interval)):
        return True
    return difference < -margin and interval[1] < 0


def _difference(found: Comparison) -> str:
    low, high = found.interval
    return f"{found.difference:+.3f} [{low:+.3f}, {high:+.3f}] on {found.n_recordings} recordings"


def verdict_facts(verdict: Verdict) -> dict[str, Any]:
    """For bundle.json: whether it passed, and what the failed gates said."""
    return {"passed": verdict.passed, "refusals": verdict.refusals}
