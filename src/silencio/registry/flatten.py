"""Nested values as MLflow takes them: flat names of allowed letters, short texts, finite numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

# MLflow's limits: 250 characters a name; 6,000 a parameter; 5,000 a tag in every backend.
_MAX_NAME, _MAX_PARAM, MAX_TAG = 250, 6_000, 5_000
_NOT_IN_A_NAME = re.compile(r"[^\w\-. /]", re.ASCII)


def params_of(values: Mapping[str, Any]) -> dict[str, str]:
    """A configuration as parameters: `heads.raw_cnn.epochs` -> `5`; lists as JSON."""
    return {
        _name(path, "."): shortened(value if isinstance(value, str) else json.dumps(value), _MAX_PARAM)
        for path, value in _leaves(values)
    }


def metrics_of(values: Mapping[str, Any], depth: int = 99) -> dict[str, float]:
    """Numbers as metrics: `test/by_class/Aves/top1` -> 0.8; what is no finite number is left out.

    Args:
        values: Nested mappings of values.
        depth: Numbers nested deeper are left out, too.
    """
    return {
        _name(path, "/"): float(value)
        for path, value in _leaves(values)
        if len(path) <= depth
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    }


def shortened(text: str, max_length: int = MAX_TAG) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def _name(path: tuple[str, ...], separator: str) -> str:
    # A slash inside a key would make a folder, and `..` or a leading one is refused.
    keys = (_NOT_IN_A_NAME.sub("_", key).replace("/", "_") for key in path)
    return separator.join(keys)[:_MAX_NAME]
