"""Numbers and names as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence

from silencio.taxonomy import ClassList

NOTHING = "\N{EN DASH}"
# A space that never breaks a line between a number and its unit.
_THIN = "\u202f"
# A hyphen that stands for a minus.
_NEGATIVE = re.compile(r"(?<![\w.])-(?=\d)")

METRIC_NAMES = {
    "macro_map": "mean average precision",
    "top1": "right at first guess",
    "top5": "right among the first five",
    "macro_roc_auc": "ROC-AUC",
    "padded_cmap": "padded mean average precision",
    "micro_f1": "F1 of the names",
}
_METRIC_NAME = re.compile("|".join(rf"\b{name}\b" for name in METRIC_NAMES))
_TAXA = {"Aves": "birds", "Amphibia": "amphibians", "Insecta": "insects", "Mammalia": "mammals", "Reptilia": "reptiles"}


def percent(share: float | None) -> str:
    """0.504 is `50 %`; what is no number is a dash."""
    return NOTHING if share is None or not math.isfinite(share) else f"{100 * share:.0f}{_THIN}%"


def decimals(value: float | None) -> str:
    """Two decimals; what is no number is a dash."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.2f}"


def whole(value: float | None) -> str:
    """No decimals; what is no number is a dash."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:,.0f}"


def points(difference: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    if difference is None or not math.isfinite(difference):
        return NOTHING
    return f"{_signed(100 * difference, 0)}{_THIN}points"


def has_width(interval: Sequence[float]) -> bool:
    """Whether an interval means anything."""
    low, high = interval
    return math.isfinite(low) and math.isfinite(high) and low < high


def signed(difference: float | None) -> str:
    """Three decimals, with the sign."""
    return NOTHING if difference is None or not math.isfinite(difference) else _signed(difference, 3)


def between(interval: Sequence[float] | None, show: Callable[[float | None], str] = percent) -> str:
    """`37 to 61 %`; a dash where there is no interval, or one of no width: all alike, resampling shows nothing."""
    if interval is None or not has_width(interval):
        return NOTHING
    low, high = map(show, interval)
    for unit in (f"{_THIN}%", f"{_THIN}points"):
        low = low.removesuffix(unit)
    return f"{low} to {high}"


def count(n: int, one: str, many: str = "") -> str:
    """`1 recording`, `2 recordings`."""
    return f"{n:,}{_THIN}{one if n == 1 else many or one + 's'}"


def n_species(n: int) -> str:
    """`1 species`, `2 species`."""
    return count(n, "species", "species")


def on_test_set(n_recordings: int, test_set: str, n_folds: int = 0) -> str:
    """`24 test recordings, test set 0f3a…`: pages of several evaluations show whether these are the same ones."""
    words = (
        f"{count(n_recordings, 'recording')} without their fold" if n_folds else count(n_recordings, "test recording")
    )
    return words + (f", test set {test_set}" if test_set else "")


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


def one_of(class_name: str) -> str:
    """One animal of a taxon class."""
    return _TAXA[class_name].removesuffix("s") if class_name in _TAXA else class_name


def in_words(text: str) -> str:
    """A gate's sentence with the metrics' plain names."""
    return minus(_METRIC_NAME.sub(lambda match: METRIC_NAMES[match[0]], text))


def species_name(code: str, classes: ClassList) -> str:
    """The common name; the code of a species outside the list."""
    if code not in classes.index:
        return code
    species = classes[classes.index[code]]
    return species.common_name or species.scientific_name or code


def minus(text: str) -> str:
    """With a true minus before negative numbers."""
    return _NEGATIVE.sub("\N{MINUS SIGN}", text)


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return minus(text) if float(text) else text.lstrip("+-")
