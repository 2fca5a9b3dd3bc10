"""In words, why a step that has run before runs again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

# Of more, only how many there are is shown.
_MAX_NAMED = 3
_MAX_LENGTH = 60
_NOTHING = object()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two sets of inputs of a step.

    Args:
        before: `code` and `places` (digests), `inputs` (by name, artifacts as digests) and `artifacts` (their names).
        now: The same of this start.

    Returns:
        "" where nothing does: what the step made is gone, or was changed.
    """
    found = list(_differences(before, now))
    more = len(found) - _MAX_NAMED
    return "; ".join(found[:_MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before["code"] != now["code"]:
        yield "the code, its libraries or the places that it may read are others"
    for name in sorted(before["places"].keys() | now["places"].keys()):
        same_place = before["inputs"].get(name) == now["inputs"].get(name)
        if same_place and before["places"].get(name) != now["places"].get(name):
            yield f"what lies at {now['inputs'].get(name)} is another"
    for name in sorted(before["inputs"].keys() | now["inputs"].keys()):
        old, new = before["inputs"].get(name, _NOTHING), now["inputs"].get(name, _NOTHING)
        if old == new:
            continue
        if name in now["artifacts"]:
            yield f"its input {name} is another"
        elif name == "config":
            yield from _settings(_parsed(old), _parsed(new), "")
        elif name == "inputs_version":
            yield "recordings were added, removed or changed"
        else:
            yield _changed(name, old, new)


def _settings(old: Any, new: Any, where: str) -> Iterator[str]:
    """Settings that differ, by their names; `old` and `new` as JSON has them."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield "a file that it names was changed" if where == "files" else _changed(where, old, new)
        return
    for name in [*old, *(name for name in new if name not in old)]:
        yield from _settings(old.get(name, _NOTHING), new.get(name, _NOTHING), f"{where}.{name}".strip("."))


def _changed(name: str, old: Any, new: Any) -> str:
    if name.endswith("sha256"):
        return f"{name} is another"
    if old is _NOTHING or new is _NOTHING:
        return f"{name} is {_shown(new)}" if old is _NOTHING else f"{name} is gone (was {_shown(old)})"
    return f"{name} is {_shown(new)} (was {_shown(old)})"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
