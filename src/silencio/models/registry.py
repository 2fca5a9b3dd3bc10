"""Heads and supervisors by name. A new one is one file and one line here."""

from __future__ import annotations

import importlib
from typing import Any

from silencio.errors import ConfigError
from silencio.models.head import Head

HEADS: dict[str, str] = {
    "effnet_lora": "silencio.models.effnet_lora:EffNetLora",
    "raw_cnn": "silencio.models.raw_cnn:RawCnn",
}
SUPERVISORS: dict[str, str] = {
    "weighted_average": "silencio.models.weighted_average:WeightedAverage",
}


def head_class(kind: str) -> type[Head]:
    """The head that is registered as `kind`.

    Raises:
        ConfigError: There is none of that name.
    """
    found: type[Head] = _load(HEADS, kind, "head")
    return found


def supervisor_class(kind: str) -> Any:
    """The supervisor that is registered as `kind`.

    Raises:
        ConfigError: There is none of that name.
    """
    return _load(SUPERVISORS, kind, "supervisor")


def _load(registry: dict[str, str], kind: str, what: str) -> Any:
    if kind not in registry:
        raise ConfigError(f"{kind!r} is no {what}: there are {', '.join(sorted(registry))}")
    module, name = registry[kind].split(":")
    return getattr(importlib.import_module(module), name)
