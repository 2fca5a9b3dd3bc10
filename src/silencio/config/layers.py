"""YAML laid over YAML, and what is wrong with the result in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from silencio.errors import ConfigError


def mapping(text: str, what: str) -> dict[str, Any]:
    """What the YAML says; `what` names it in messages.

    Raises:
        ConfigError: It is not YAML, or no mapping.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{what} is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{what} must be a YAML mapping, not {type(values).__name__}")
    return values


def merged(values: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `values`; a null takes a key away."""
    joined = dict(values)
    for key, value in over.items():
        if value is None:
            joined.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(joined.get(key), Mapping):
            joined[key] = merged(dict(joined[key]), value)
        else:
            joined[key] = value
    return joined


def parsed_override(override: str) -> dict[str, Any]:
    """`a.b=value` as the mapping it stands for.

    Raises:
        ConfigError: It does not look like that.
    """
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set {override!r} must look like heads.raw_cnn.epochs=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override!r}: the value is not YAML") from error
    for key in reversed(name.strip().split(".")):
        value = {key: value}
    return dict(value)


def explain(error: ValidationError, where: str, model: type[BaseModel] | None = None) -> str:
    """One sentence a wrong value, each by its name below `where`; for a name that is not known, the nearest one.

    Args:
        error: Pydantic's error.
        where: Names under which the values stand.
        model: What was made of them; None where no nearest name is wanted.
    """
    lines = []
    for fault in error.errors(include_url=False):
        place = ".".join([where, *(str(part) for part in fault["loc"])]).strip(".")
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "is not known here" + _meant(model, fault["loc"])
        got = (
            ""
            if isinstance(fault["input"], dict | BaseModel) or fault["type"] == "extra_forbidden"
            else f" (found {fault['input']!r})"
        )
        lines.append(f"{place}: {message}{got}" if place and not message.startswith(place) else message)
    return "; ".join(lines)


def _meant(model: type[BaseModel] | None, loc: tuple[int | str, ...]) -> str:
    """The nearest of the names that stand beside the one that is not known."""
    for name in loc[:-1]:
        field = model.model_fields.get(str(name)) if model else None
        model = next(_models(field.annotation), None) if field else None
    near = difflib.get_close_matches(str(loc[-1]), model.model_fields, n=1) if model else []
    return f": did you mean {near[0]}?" if near else ""


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Of a type, or of a union, those that are sections."""
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
