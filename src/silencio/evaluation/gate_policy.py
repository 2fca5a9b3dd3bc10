"""What layers of a configuration set for gates, laid over the policy that ships, and checks of its names and values."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from typing import Any

import yaml

from silencio.errors import ConfigError

# In a layer of the configuration: what is below it holds no more.
REPLACE = "replace"
# How like a name has to be for it to be what was meant.
_NEAR = 0.55


def layered_policy(layers: Sequence[Any]) -> dict[str, Any]:
    """Lay what a preset, a file and single settings set for gates over the policy that ships, in this order.

    Args:
        layers: What stands under `gates` in each. A null takes a gate away; `replace: true` says that the layer is a
            whole policy, and nothing below it holds; the layer null is the policy that ships.

    Returns:
        A whole policy, which says so with `replace: true`.

    Raises:
        ConfigError: A layer is no mapping, or its `replace` is neither true nor false.
    """
    policy = shipped_values()
    for layer in layers:
        if layer is None:
            policy = shipped_values()
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


def shipped_values() -> dict[str, Any]:
    """The policy that ships, as YAML has it."""
    text = (files("silencio") / "presets" / "gates" / "policy.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def checked_minimums(minimum: Any, metrics: type, what: str) -> Any:
    """Least values by name, each name a field of `metrics`, each value one that the field can have.

    Raises:
        ValueError: A name or a value is none; the nearest name and the range are in the message.
    """
    if not isinstance(minimum, Mapping):
        return minimum  # the field's own check says so
    # Counts and hours have no end, shares have.
    ends = {
        field.name: math.inf if field.type == "int" or field.name == "hours" else 1.0
        for field in fields(metrics)
        if field.type in ("int", "float", "float | None")
    }
    checked = {}
    for name, bound in minimum.items():
        check_name(name, list(ends), what)
        try:
            checked[name] = number(bound, ends[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error} (found {bound!r})") from error
    return checked


def number(value: Any, end: float) -> float:
    """YAML's `yes` is no number, nor is a text; a bound beyond the metric's own would refuse every model, or none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= end:
        raise ValueError(f"must be a number {f'from 0 to {end:g}' if math.isfinite(end) else 'of at least 0'}")
    return float(value)


def check_name(name: Any, known: Sequence[str], what: str) -> None:
    """A gate on what does not exist would refuse every model, after hours, or none."""
    if name in known:
        return
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=_NEAR)
    meant = f"did you mean {near[0]}? There are" if near else "there are"
    raise ValueError(f"{name!r} is no {what}: {meant} {', '.join(known)}")
