"""What a model must show before it is registered, laid over what ships, and checked before anything runs."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from silencio.errors import ConfigError
from silencio.evaluation.comparisons import CHAMPION, COMPARED, REFERENCES
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.soundscape_metrics import SoundscapeMetrics

# In a layer of the configuration: what is below it holds no more.
REPLACE = "replace"
# How like a name has to be for it to be what was meant.
_NEAR = 0.55


class GatePolicy(BaseModel):
    """The policy; `src/silencio/presets/gates/policy.yaml` is the one that ships. What it does not name is not asked.

    Attributes:
        minimum: By figure of the test recordings, the least value.
        soundscape_minimum: By figure of the annotated soundscapes, the least value.
        soundscapes: `required`: where `soundscape_minimum` asks for something and no soundscapes were scored, the gate
            fails. `none`: the run is known to have none, and their minimums hold only if there are some after all.
        max_calibration_error: Of the most probable species (ECE); it fails where the 95 % interval lies above.
        beats: By reference or head, the figures in which the model must beat it; the lower bound of the paired 95 %
            interval must be above `beats_margin`.
        beats_margin: See `beats`.
        not_worse_than: By reference or head, the figures in which the model may not be worse by more than
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
                _check_name(name, list(cls.model_fields), "gate")
        return values

    @field_validator("minimum", mode="before")
    @classmethod
    def _of_recordings(cls, minimum: Any) -> Any:
        return _checked_minimums(minimum, Metrics, "figure of the test recordings")

    @field_validator("soundscape_minimum", mode="before")
    @classmethod
    def _of_soundscapes(cls, minimum: Any) -> Any:
        return _checked_minimums(minimum, SoundscapeMetrics, "figure of soundscapes")

    @field_validator("beats", "not_worse_than", mode="before")
    @classmethod
    def _of_comparisons(cls, references: Any) -> Any:
        if isinstance(references, Mapping):
            for reference, names in references.items():
                if not isinstance(names, list | tuple):
                    example = f"[{', '.join(COMPARED)}]"
                    raise ValueError(f"{reference}: must be a list of figures such as {example} (found {names!r})")
                for name in names:
                    _check_name(name, COMPARED, "figure that is compared")
        return references

    @field_validator("max_calibration_error", "slice_margin", "champion_margin", mode="before")
    @classmethod
    def _are_shares(cls, value: Any) -> Any:
        return None if value is None else _number(value, 1.0)

    @field_validator("not_worse_margin", mode="before")
    @classmethod
    def _is_a_share(cls, value: Any) -> Any:
        return _number(value, 1.0)

    @field_validator("beats_margin", mode="before")
    @classmethod
    def _can_be_beaten(cls, value: Any) -> Any:
        if _number(value, 1.0) == 1.0:
            raise ValueError("must be below 1: nothing lies above")
        return float(value)

    @property
    def asks(self) -> bool:
        """Whether there is a gate at all."""
        margins = (self.max_calibration_error, self.slice_margin, self.champion_margin)
        compared = [*self.beats.values(), *self.not_worse_than.values()]
        return bool(self.minimum or self.soundscape_minimum or any(compared) or any(one is not None for one in margins))

    def check_references(self, heads: Iterable[str], *, student: bool) -> None:
        """What is to be beaten has to be there: a gate on a reference that does not exist would refuse every model.

        Args:
            heads: Names of the run's heads.
            student: Whether the run has one. Its bundle is judged by the same gates, and compared with no other head.

        Raises:
            ConfigError: A reference does not exist.
        """
        heads = sorted(heads)
        known = [*REFERENCES, CHAMPION, *([] if student else heads)]
        for gate, references in (("beats", self.beats), ("not_worse_than", self.not_worse_than)):
            for name in references:
                if student and name in heads:
                    raise ConfigError(
                        f"gates.{gate}: {name!r} is a head of the ensemble, and the student's bundle, which is judged "
                        f"by the same gates, is not compared with it: choose from {', '.join(known)}"
                    )
                try:
                    _check_name(name, known, "reference or head of this run")
                except ValueError as error:
                    raise ConfigError(f"gates.{gate}: {error}") from error

    @classmethod
    def shipped(cls) -> GatePolicy:
        """The policy that holds where a configuration says nothing else."""
        return cls.model_validate(_shipped_values(), strict=False)


def layered_policy(layers: Sequence[Any]) -> dict[str, Any]:
    """Lay what a preset, a file and single settings say of gates over the policy that ships, in this order.

    Args:
        layers: What stands under `gates` in each. A null takes a gate away; `replace: true` says that the layer is a
            whole policy, and nothing below it holds; the layer null is the policy that ships.

    Returns:
        A whole policy, which says so with `replace: true`.

    Raises:
        ConfigError: A layer is no mapping, or its `replace` is neither true nor false.
    """
    policy = _shipped_values()
    for layer in layers:
        if layer is None:
            policy = _shipped_values()
            continue
        if not isinstance(layer, Mapping):
            raise ConfigError(f"gates: must be a mapping of gates, or null for those that ship (found {layer!r})")
        replace = layer.get(REPLACE, False)
        if not isinstance(replace, bool):
            raise ConfigError(f"gates.{REPLACE}: must be true or false (found {replace!r})")
        policy = _laid_over({} if replace else policy, {name: one for name, one in layer.items() if name != REPLACE})
    return {REPLACE: True, **policy}


def _laid_over(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """As a configuration's other layers, but that a null never stays, however deep."""
    joined = dict(values)
    for key, value in over.items():
        if value is None:
            joined.pop(key, None)
        elif isinstance(value, Mapping):
            below = joined.get(key)
            joined[key] = _laid_over(below if isinstance(below, Mapping) else {}, value)
        else:
            joined[key] = value
    return joined


def _shipped_values() -> dict[str, Any]:
    text = (files("silencio") / "presets" / "gates" / "policy.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def _checked_minimums(minimum: Any, figures: type, what: str) -> Any:
    if not isinstance(minimum, Mapping):
        return minimum  # the field's own check says so
    # Counts and hours have no end, shares have.
    ends = {
        field.name: math.inf if field.type == "int" or field.name == "hours" else 1.0
        for field in fields(figures)
        if field.type in ("int", "float", "float | None")
    }
    checked = {}
    for name, bound in minimum.items():
        _check_name(name, list(ends), what)
        try:
            checked[name] = _number(bound, ends[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error} (found {bound!r})") from error
    return checked


def _number(value: Any, end: float) -> float:
    """YAML's `yes` is no number, nor is a text; a bound beyond the figure's own would refuse every model, or none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= end:
        raise ValueError(f"must be a number {f'from 0 to {end:g}' if math.isfinite(end) else 'of at least 0'}")
    return float(value)


def _check_name(name: Any, known: Sequence[str], what: str) -> None:
    """A gate on what does not exist would refuse every model, after hours, or none."""
    if name in known:
        return
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=_NEAR)
    meant = f"did you mean {near[0]}? There are" if near else "there are"
    raise ValueError(f"{name!r} is no {what}: {meant} {', '.join(known)}")
