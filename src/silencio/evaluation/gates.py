"""Gates: one policy decides whether a model may be offered, and why.

A gate of a new kind is written here and nowhere else: its settings in `GatePolicy`, its rule, and the rule's place in
`RULES`. Sentences that rules share are in `gate_reasons`, what a rule may look at in `evidence`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from silencio.errors import ConfigError
from silencio.evaluation.comparisons import CHAMPION, COMPARED, REFERENCES
from silencio.evaluation.evidence import Evidence
from silencio.evaluation.gate_policy import check_name, checked_minimums, number, shipped_values
from silencio.evaluation.gate_reasons import (
    beats,
    calibrated,
    champion_not_compared,
    minimum,
    no_champion,
    not_worse,
    slice_not_worse,
)
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.soundscape_metrics import SoundscapeMetrics
from silencio.evaluation.verdict import Reason, Verdict, verdict_facts

__all__ = ["RULES", "Evidence", "GatePolicy", "Reason", "Rule", "Verdict", "apply_gates", "rule", "verdict_facts"]

_SLICES = "champion on slices"


class GatePolicy(BaseModel):
    """The policy; `src/silencio/presets/gates/policy.yaml` is the one that ships. What it does not name is not asked.

    Attributes:
        minimum: Least value by metric of the test recordings.
        soundscape_minimum: Least value by metric of the annotated soundscapes.
        soundscapes: `required`: where `soundscape_minimum` asks for something and no soundscapes were scored, the gate
            fails. `none`: the run is known to have none, and their minimums hold only if there are some after all.
        max_calibration_error: Largest error of the most probable species (ECE); it fails where the 95 % interval lies
            above.
        beats: By reference or head, the metrics in which the model must beat it; the lower bound of the paired 95 %
            interval must be above `beats_margin`.
        beats_margin: See `beats`.
        not_worse_than: By reference or head, the metrics in which the model may not be worse by more than
            `not_worse_margin`. It fails where the difference is larger and the paired 95 % interval excludes zero.
        not_worse_margin: See `not_worse_than`.
        slice_margin: A counted slice may be worse than the champion's by so much top-1; as for `not_worse_than`.
        champion_margin: The same for all test recordings together, macro mAP and top-1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    minimum: dict[str, float] = Field(default_factory=dict)
    soundscape_minimum: dict[str, float] = Field(default_factory=dict)
    soundscapes: Literal["required", "none"] = "required"
    max_calibration_error: float | None = None
    beats: dict[str, list[str]] = Field(default_factory=dict)
    beats_margin: float = 0.0
    not_worse_than: dict[str, list[str]] = Field(default_factory=dict)
    not_worse_margin: float = 0.0
    slice_margin: float | None = None
    champion_margin: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _are_gates(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            for name in values:
                check_name(name, list(cls.model_fields), "gate")
        return values

    @field_validator("minimum", mode="before")
    @classmethod
    def _of_recordings(cls, minimum: Any) -> Any:
        return checked_minimums(minimum, Metrics, "metric of the test recordings")

    @field_validator("soundscape_minimum", mode="before")
    @classmethod
    def _of_soundscapes(cls, minimum: Any) -> Any:
        return checked_minimums(minimum, SoundscapeMetrics, "metric of soundscapes")

    @field_validator("beats", "not_worse_than", mode="before")
    @classmethod
    def _of_comparisons(cls, references: Any) -> Any:
        if isinstance(references, Mapping):
            for reference, names in references.items():
                if not isinstance(names, list | tuple):
                    example = f"[{', '.join(COMPARED)}]"
                    raise ValueError(f"{reference}: must be a list of metrics such as {example} (found {names!r})")
                for name in names:
                    check_name(name, COMPARED, "metric that is compared")
        return references

    @field_validator("max_calibration_error", "slice_margin", "champion_margin", mode="before")
    @classmethod
    def _are_shares(cls, value: Any) -> Any:
        return None if value is None else number(value, 1.0)

    @field_validator("not_worse_margin", mode="before")
    @classmethod
    def _is_a_share(cls, value: Any) -> Any:
        return number(value, 1.0)

    @field_validator("beats_margin", mode="before")
    @classmethod
    def _can_be_beaten(cls, value: Any) -> Any:
        if number(value, 1.0) == 1.0:
            raise ValueError("must be below 1: nothing lies above")
        return float(value)

    @property
    def has_gates(self) -> bool:
        """Whether there is a gate at all."""
        return any(rule.gates(self) for rule in RULES)

    def check_references(self, heads: Iterable[str], *, student: bool) -> None:
        """What is to be beaten has to be there: a gate on a reference that does not exist would refuse every model.

        Args:
            heads: Names of the run's heads.
            student: Whether the run has one. The same gates decide on its bundle, and compared with no other head.

        Raises:
            ConfigError: A reference does not exist.
        """
        heads = sorted(heads)
        known = [*REFERENCES, CHAMPION, *([] if student else heads)]
        for gate, references in (("beats", self.beats), ("not_worse_than", self.not_worse_than)):
            for name in references:
                if student and name in heads:
                    raise ConfigError(
                        f"gates.{gate}: {name!r} is a head of the ensemble, and the student's bundle, which is held "
                        f"by the same gates, is not compared with it: choose from {', '.join(known)}"
                    )
                try:
                    check_name(name, known, "reference or head of this run")
                except ValueError as error:
                    raise ConfigError(f"gates.{gate}: {error}") from error

    @classmethod
    def shipped(cls) -> GatePolicy:
        """The policy that holds where a configuration says nothing else."""
        return cls.model_validate(shipped_values(), strict=False)


@dataclass(frozen=True)
class Rule:
    """Gates of one kind; called with a policy and evidence, it gives a reason for each of them.

    Attributes:
        gates: From a policy to the names of the gates of this kind that it has, each with its bound in words. By it a
            verdict names the gates which a configuration took away.
        reasons: From a policy and evidence to the outcomes of these gates.
    """

    gates: Callable[[GatePolicy], Mapping[str, str]]
    reasons: Callable[[GatePolicy, Evidence], list[Reason]]

    def __call__(self, policy: GatePolicy, evidence: Evidence) -> list[Reason]:
        return self.reasons(policy, evidence)


def rule(
    gates: Callable[[GatePolicy], Mapping[str, str]],
) -> Callable[[Callable[[GatePolicy, Evidence], list[Reason]]], Rule]:
    """Make a `Rule` of the function that stands below it."""
    return lambda reasons: Rule(gates, reasons)


@rule(lambda policy: {f"minimum test {name}": f"at least {bound:g}" for name, bound in policy.minimum.items()})
def recording_minimums(policy: GatePolicy, evidence: Evidence) -> list[Reason]:
    """Least values on the test recordings."""
    return [minimum("test", name, bound, evidence.metrics) for name, bound in policy.minimum.items()]


@rule(
    lambda policy: {
        f"minimum soundscapes {name}": f"at least {bound:g}" for name, bound in policy.soundscape_minimum.items()
    }
)
def soundscape_minimums(policy: GatePolicy, evidence: Evidence) -> list[Reason]:
    """Least values on annotated soundscapes, which have to be there unless the policy says otherwise."""
    bounds, metrics = policy.soundscape_minimum, evidence.soundscape_metrics
    if metrics or not bounds:
        return [minimum("soundscapes", name, bound, metrics) for name, bound in bounds.items()]
    if policy.soundscapes == "none":
        return [Reason.not_applied("soundscapes", "The policy says that there are no soundscapes to score: not asked.")]
    return [
        Reason(
            "soundscapes",
            False,
            f"No soundscapes were scored, and the policy has minimums for {', '.join(bounds)} "
            "(gates.soundscapes: none, where there are none to score): refused.",
        )
    ]


def _asks_calibration(policy: GatePolicy) -> dict[str, str]:
    bound = policy.max_calibration_error
    return {} if bound is None else {"calibration": f"at most {bound:g}"}


@rule(_asks_calibration)
def calibration(policy: GatePolicy, evidence: Evidence) -> list[Reason]:
    """Refuses only where the error is above beyond doubt, as every comparison does."""
    bound = policy.max_calibration_error
    return [] if bound is None else [calibrated(bound, evidence.calibration)]


def _compared(gate: str, references: Mapping[str, Sequence[str]], margin: float) -> dict[str, str]:
    named = [(other, name) for other, names in references.items() for name in names]
    return {f"{gate} {other} in {name}": f"margin {margin:g}" for other, name in named}


@rule(lambda policy: _compared("beats", policy.beats, policy.beats_margin))
def better_than_references(policy: GatePolicy, evidence: Evidence) -> list[Reason]:
    """Better than what knows nothing, or than whatever else a policy names."""
    return [
        no_champion(f"beats {other} in {name}")
        if other == CHAMPION and not evidence.has_champion
        else beats(other, name, policy.beats_margin, evidence.compared(other, name))
        for other, names in policy.beats.items()
        for name in names
    ]


@rule(lambda policy: _compared("not worse than", policy.not_worse_than, policy.not_worse_margin))
def not_worse_than_references(policy: GatePolicy, evidence: Evidence) -> list[Reason]:
    """Not worse than what is cheaper, or than whatever else a policy names."""
    return [
        no_champion(f"not worse than {other} in {name}")
        if other == CHAMPION and not evidence.has_champion
        else not_worse(other, name, policy.not_worse_margin, evidence.compared(other, name))
        for other, names in policy.not_worse_than.items()
        for name in names
    ]


def _asks_champion(policy: GatePolicy) -> dict[str, str]:
    margins = {CHAMPION: policy.champion_margin, _SLICES: policy.slice_margin}
    return {gate: f"margin {margin:g}" for gate, margin in margins.items() if margin is not None}


@rule(_asks_champion)
def not_worse_than_champion(policy: GatePolicy, evidence: Evidence) -> list[Reason]:
    """Not worse than the bundle that serves now, on all test recordings and on every slice that counts."""
    margin, slice_margin = policy.champion_margin, policy.slice_margin
    if not evidence.has_champion:
        return [no_champion(gate, " on slices" if gate == _SLICES else "") for gate in _asks_champion(policy)]
    if not any(entry.other == CHAMPION for entry in evidence.comparisons):
        return [] if margin is None and slice_margin is None else [champion_not_compared(evidence.champion)]
    reasons = []
    if margin is not None:
        reasons += [not_worse(CHAMPION, name, margin, evidence.compared(CHAMPION, name)) for name in COMPARED]
    if slice_margin is not None:
        reasons += [slice_not_worse(entry, slice_margin) for entry in evidence.slices]
        if not evidence.slices:
            reasons.append(Reason(_SLICES, False, "No slice was compared with the champion: refused."))
    return reasons


# In the order of a verdict's lines.
RULES: tuple[Rule, ...] = (
    recording_minimums,
    soundscape_minimums,
    calibration,
    better_than_references,
    not_worse_than_references,
    not_worse_than_champion,
)


def apply_gates(policy: GatePolicy, evidence: Evidence, rules: Sequence[Rule] = RULES) -> Verdict:
    """Hold evidence against the policy; a metric that is missing or no number fails its gate.

    Every gate that there is stands in the verdict: with its metrics, or as not asked, and why.

    Args:
        policy: What is required.
        evidence: What was measured of the model.
        rules: The kinds of gates that there are, in the order of the verdict's lines.
    """
    reasons = [reason for apply in rules for reason in apply(policy, evidence)]
    if not any(reason.decides for reason in reasons):
        words = "No gate decided, and what nothing speaks for is not registered: refused."
        reasons.append(Reason("any gate at all", False, words))
    return Verdict([*reasons, *_taken_away(policy, rules)])


def _taken_away(policy: GatePolicy, rules: Sequence[Rule]) -> list[Reason]:
    """Every gate of the policy that ships which this one does not have: who reads a verdict sees that it is missing."""
    shipped = type(policy).shipped()
    missing = [
        (gate, bound) for one in rules for gate, bound in one.gates(shipped).items() if gate not in one.gates(policy)
    ]
    return [
        Reason.not_applied(gate, f"The configuration took away {gate} ({bound} in the policy that ships): not asked.")
        for gate, bound in missing
    ]
