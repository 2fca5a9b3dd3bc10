"""Whether a policy that was written by hand can be held to: every rule named, none unknown, values within bounds."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from silencio.errors import ConfigError
from silencio.release.policy import ReleasePolicy
from silencio.release.rule import Rule
from silencio.release.rules import RULES

# How like a name has to be for it to be what was meant.
_NEAR = 0.55


def read_policy(path: Path) -> ReleasePolicy:
    """A policy from a YAML file.

    Raises:
        ConfigError: The file cannot be read, or is no policy: one sentence that says which value and what may stand.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the policy {path} cannot be read: {error}") from error
    return _parsed(text, str(path))


def policy_of_text(text: str) -> ReleasePolicy:
    """A policy as KFP hands it on, by value; the one that ships where there is no text.

    Raises:
        ConfigError: As `read_policy` raises it.
    """
    return _parsed(text, "the policy") if text.strip() else ReleasePolicy.shipped()


def _parsed(text: str, origin: str) -> ReleasePolicy:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin} cannot be read: {error}") from error
    return checked_policy(values, origin=origin)


def checked_policy(values: Any, *, origin: str = "the policy", rules: Sequence[Rule] = RULES) -> ReleasePolicy:
    """A policy that names every rule; one that is null was taken away, and stands on the page as not asked.

    Args:
        values: As YAML has it.
        origin: Where it stands, for messages.
        rules: The rules that there are.

    Raises:
        ConfigError: Something is missing, unknown or out of bounds.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{origin}: must be a mapping of settings (found {values!r})")
    settings = values.get("rules")
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{origin}: rules must be a mapping of rules (found {settings!r})")
    known = [rule.name for rule in rules]
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=_NEAR)
            meant = f"did you mean {near[0]}? There are" if near else "there are"
            raise ConfigError(f"{origin}: {name!r} is no rule: {meant} {', '.join(known)}")
    missing = [name for name in known if name not in settings]
    if missing:
        raise ConfigError(f"{origin}: rules lacks {', '.join(missing)} (write `{missing[0]}: null` to take it away)")
    kept = {name: one for name, one in settings.items() if one is not None}
    try:
        policy = ReleasePolicy.model_validate({**values, "rules": kept})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        words = first["msg"].removeprefix("Value error, ")
        found = "" if first["type"] in ("missing", "value_error") else f" (found {first['input']!r})"
        raise ConfigError(f"{origin}: {f'{place}: ' if place else ''}{words}{found}") from error
    for rule in rules:
        _check_rule(policy, rule, origin)
    _check_times(policy, origin)
    return policy


def _check_rule(policy: ReleasePolicy, rule: Rule, origin: str) -> None:
    """Values that a rule cannot use would stop a release at its first look, with visitors on both arms."""
    settings = policy.rules.get(rule.name)
    if settings is None:
        return
    place = f"{origin}: rules.{rule.name}"
    if rule.needs_alpha and settings.alpha is None:
        raise ConfigError(f"{place}: needs alpha, its share of family_error")
    if not rule.needs_alpha and settings.alpha is not None:
        raise ConfigError(
            f"{place}: spends nothing of family_error: alpha has no meaning here (found {settings.alpha:g})"
        )
    for name, value, bounds in (
        ("tolerance", settings.tolerance, rule.tolerance),
        ("limit", settings.limit, rule.limit),
    ):
        if bounds is None and value is not None:
            raise ConfigError(f"{place}: has no {name} (found {value:g})")
        if bounds is not None and value is not None and not bounds[0] <= value <= bounds[1]:
            raise ConfigError(f"{place}: {name} must be from {bounds[0]:g} to {bounds[1]:g} (found {value:g})")
    if rule.needs_alpha and rule.tolerance is not None and settings.tolerance is None:
        raise ConfigError(f"{place}: needs tolerance, from {rule.tolerance[0]:g} to {rule.tolerance[1]:g}")


def _check_times(policy: ReleasePolicy, origin: str) -> None:
    """Times and gates that contradict each other."""
    if policy.max_s < policy.min_s:
        raise ConfigError(f"{origin}: max_s must be at least min_s, {policy.min_s:g} (found {policy.max_s:g})")
    if policy.blind_return_s < policy.blind_freeze_s:
        raise ConfigError(
            f"{origin}: blind_return_s must be at least blind_freeze_s, {policy.blind_freeze_s:g} "
            f"(found {policy.blind_return_s:g})"
        )
    unknown = [step for step in policy.confirm_increase if step not in policy.steps[1:]]
    if unknown:
        steps = ", ".join(f"{step:g}" for step in policy.steps[1:])
        raise ConfigError(f"{origin}: confirm_increase has {unknown[0]:g}, which is no step: there are {steps}")
    if not any(rule.decides == "rollback" and not rule.dry_run for rule in policy.rules.values()):
        raise ConfigError(f"{origin}: no rule rolls back: a release that nothing can stop is not carried out")
