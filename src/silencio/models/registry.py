"""Heads and supervisors by name: a new one is a file in its folder, and nothing else.

The file is named as configurations name the kind, and holds one class that says its `Config`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from silencio.errors import ConfigError
from silencio.models import heads, supervisors
from silencio.models.head import Head
from silencio.models.supervisor import Supervisor


def head_class(kind: str) -> type[Head[Any]]:
    """The head of that kind.

    Raises:
        ConfigError: There is none of that name.
    """
    found: type[Head[Any]] = _load(heads, kind, Head, "head")
    return found


def supervisor_class(kind: str) -> type[Supervisor[Any]]:
    """The supervisor of that kind.

    Raises:
        ConfigError: There is none of that name.
    """
    found: type[Supervisor[Any]] = _load(supervisors, kind, Supervisor, "supervisor")
    return found


def _names(room: ModuleType) -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(room.__path__) if not module.name.startswith("_"))


def _load(room: ModuleType, kind: str, base: type, what: str) -> Any:
    if kind not in _names(room):
        raise ConfigError(f"{kind!r} is no {what}: there are {', '.join(_names(room))}")
    module = importlib.import_module(f"{room.__name__}.{kind}")
    own = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, base) and one.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise ConfigError(f"{module.__name__} must hold one {what}, not {len(own)}")
    return own[0]
