"""Which species are taken for which."""

from __future__ import annotations

from collections import Counter

from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import count, percent

_MAX_PAIRS = 12
_MAX_SPECIES = 10


def confusions(inputs: ReportInputs) -> Section | None:
    """The most frequent wrong answers, and a small matrix of the species that are in most of them."""
    pairs = Counter((one["primary_label"], one["predicted"]) for one in inputs.evaluation.answers)
    wrong = Counter({pair: n for pair, n in pairs.items() if pair[0] != pair[1]})
    if not wrong:
        return None
    intro = (
        f"{count(wrong.total(), 'recording')} of {len(inputs.evaluation.answers)} got another species' name first. "
        "Confusions within one genus are expected; others hint at wrong labels or at a shared background."
    )
    parts = [prose(intro), _pairs(inputs, wrong), _matrix(inputs, pairs, wrong), _favourites(inputs)]
    return Section("confusions", "What is taken for what", join(*parts))


def _pairs(inputs: ReportInputs, wrong: Counter[tuple[str, str]]) -> Markup:
    n_of = Counter(one["primary_label"] for one in inputs.evaluation.answers)
    known = {frozenset(pair) for pair in inputs.evaluation.confusable}
    ordered = sorted(wrong.items(), key=lambda one: (-one[1], n_of[one[0][0]], one[0]))[:_MAX_PAIRS]
    rows = [
        [
            inputs.name(is_),
            inputs.name(predicted),
            f"{n} of {n_of[is_]}",
            "yes" if frozenset((is_, predicted)) in known else "",
        ]
        for (is_, predicted), n in ordered
    ]
    columns = [Column("is"), Column("taken for"), Column("recordings", True), Column("in validation too")]
    return table("The most frequent wrong answers", columns, rows)


def _matrix(inputs: ReportInputs, pairs: Counter[tuple[str, str]], wrong: Counter[tuple[str, str]]) -> Markup | None:
    involved: Counter[str] = Counter()
    for (is_, predicted), n in wrong.items():
        involved[is_] += n
        involved[predicted] += n
    codes = sorted(code for code, _ in sorted(involved.items(), key=lambda one: (-one[1], one[0]))[:_MAX_SPECIES])
    if len(codes) < 3:
        return None
    rows: list[list[Child]] = []
    for number, is_ in enumerate(codes, 1):
        of_row = {predicted: n for (own, predicted), n in pairs.items() if own == is_}
        total = sum(of_row.values())
        cells: list[Child] = [_square(of_row.get(predicted, 0), total, predicted == is_) for predicted in codes]
        other = sum(n for predicted, n in of_row.items() if predicted not in codes)
        rows.append([f"{number} {inputs.name(is_)}", *cells, _square(other, total, False)])
    columns = [Column("is"), *(Column(f"{number}", True) for number in range(1, len(codes) + 1)), Column("other", True)]
    return tag(
        "div", table("Row: what it is. Column: what it was taken for (by number)", columns, rows), class_="matrix"
    )


def _square(n: int, total: int, is_right: bool) -> Child:
    if not n:
        return ""
    depth = f"--depth:{100 * n / total:.0f}%"
    return tag("span", str(n), class_="right" if is_right else "wrong", style=depth)


def _favourites(inputs: ReportInputs) -> Markup | None:
    predicted = Counter(one["predicted"] for one in inputs.evaluation.answers)
    is_ = Counter(one["primary_label"] for one in inputs.evaluation.answers)
    right = Counter(one["predicted"] for one in inputs.evaluation.answers if one["predicted"] == one["primary_label"])
    excess = sorted(
        ((n - is_[code], code) for code, n in predicted.items() if n - is_[code] >= 2),
        key=lambda one: (-one[0], one[1]),
    )
    if not excess:
        return None
    rows = [
        [
            inputs.name(code),
            f"{predicted[code]}",
            f"{is_[code]}",
            f"{right[code]} of {predicted[code]} ({percent(right[code] / predicted[code])})",
        ]
        for _, code in excess[:5]
    ]
    columns = [
        Column("species"),
        Column("times named first", True),
        Column("times there", True),
        Column("rightly", True),
    ]
    return table("Named too often", columns, rows)
