"""Figures and names as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from silencio.taxonomy import ClassList

NOTHING = "–"
# A space that never breaks a line between a number and its unit.
_THIN = "\u202f"

_TAXA = {"Aves": "birds", "Amphibia": "amphibians", "Insecta": "insects", "Mammalia": "mammals", "Reptilia": "reptiles"}


def percent(share: float | None) -> str:
    """0.504 is `50 %`; what is no number is a dash."""
    return NOTHING if share is None or not math.isfinite(share) else f"{100 * share:.0f}{_THIN}%"


def decimals(value: float | None) -> str:
    """Two decimals; what is no number is a dash."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.2f}"


def points(difference: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    if difference is None or not math.isfinite(difference):
        return NOTHING
    return f"{_minus(f'{100 * difference:+.0f}')}{_THIN}points"


def signed(difference: float | None) -> str:
    """Two decimals, with the sign."""
    return NOTHING if difference is None or not math.isfinite(difference) else _minus(f"{difference:+.2f}")


def between(interval: Sequence[float] | None, show: Callable[[float | None], str] = percent) -> str:
    """`37 to 61 %`; a dash where there is no interval."""
    if interval is None or not all(map(math.isfinite, interval)):
        return NOTHING
    low, high = map(show, interval)
    for unit in (f"{_THIN}%", f"{_THIN}points"):
        low = low.removesuffix(unit)
    return f"{low} to {high}"


def count(n: int, one: str, many: str = "") -> str:
    """`1 recording`, `2 recordings`."""
    return f"{n:,}{_THIN}{one if n == 1 else many or one + 's'}"


def hours(seconds: float) -> str:
    """A length of sound: minutes below one hour."""
    return f"{seconds / 60:.0f}{_THIN}min" if seconds < 3600 else f"{seconds / 3600:.1f}{_THIN}h"


def listed(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def taxon(class_name: str) -> str:
    """A taxon class in plain words."""
    return _TAXA.get(class_name, class_name)


def species_name(code: str, classes: ClassList) -> str:
    """The common name; the code of a species outside the list."""
    if code not in classes.index:
        return code
    species = classes[classes.index[code]]
    return species.common_name or species.scientific_name or code


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
