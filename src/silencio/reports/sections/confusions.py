"""Which species are taken for which."""

from __future__ import annotations

from collections import Counter

from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import Judged
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import count, percent

_MAX_PAIRS = 12
_MAX_SPECIES = 10


def confusions(judged: Judged) -> Section | None:
    """The most frequent wrong answers, and a small matrix of the species that are in most of them."""
    pairs = Counter((one["primary_label"], one["predicted"]) for one in judged.evaluation.answers)
    wrong = Counter({pair: n for pair, n in pairs.items() if pair[0] != pair[1]})
    if not wrong:
        return None
    intro = (
        f"{count(wrong.total(), 'recording')} of {len(judged.evaluation.answers)} got another species' name first. "
        "Confusions within one genus are expected; others hint at wrong labels or at a shared background."
    )
    parts = [prose(intro), _pairs(judged, wrong), _matrix(judged, pairs, wrong), _favourites(judged)]
    return Section("confusions", "What is taken for what", join(*parts))


def _pairs(judged: Judged, wrong: Counter[tuple[str, str]]) -> Markup:
    n_of = Counter(one["primary_label"] for one in judged.evaluation.answers)
    known = {frozenset(pair) for pair in judged.evaluation.confusable}
    ordered = sorted(wrong.items(), key=lambda one: (-one[1], n_of[one[0][0]], one[0]))[:_MAX_PAIRS]
    rows = [
        [judged.name(is_), judged.name(said), f"{n} of {n_of[is_]}", "yes" if frozenset((is_, said)) in known else ""]
        for (is_, said), n in ordered
    ]
    columns = [Column("is"), Column("taken for"), Column("recordings", True), Column("in validation too")]
    return table("The most frequent wrong answers", columns, rows)


def _matrix(judged: Judged, pairs: Counter[tuple[str, str]], wrong: Counter[tuple[str, str]]) -> Markup | None:
    involved: Counter[str] = Counter()
    for (is_, said), n in wrong.items():
        involved[is_] += n
        involved[said] += n
    codes = sorted(code for code, _ in sorted(involved.items(), key=lambda one: (-one[1], one[0]))[:_MAX_SPECIES])
    if len(codes) < 3:
        return None
    rows: list[list[Child]] = []
    for number, is_ in enumerate(codes, 1):
        of_row = {said: n for (own, said), n in pairs.items() if own == is_}
        total = sum(of_row.values())
        cells: list[Child] = [_square(of_row.get(said, 0), total, said == is_) for said in codes]
        other = sum(n for said, n in of_row.items() if said not in codes)
        rows.append([f"{number} {judged.name(is_)}", *cells, _square(other, total, False)])
    columns = [Column("is"), *(Column(f"{number}", True) for number in range(1, len(codes) + 1)), Column("other", True)]
    return tag(
        "div", table("Row: what it is. Column: what it was taken for (by number)", columns, rows), class_="matrix"
    )


def _square(n: int, total: int, is_right: bool) -> Child:
    if not n:
        return ""
    depth = f"--depth:{100 * n / total:.0f}%"
    return tag("span", str(n), class_="right" if is_right else "wrong", style=depth)


def _favourites(judged: Judged) -> Markup | None:
    said = Counter(one["predicted"] for one in judged.evaluation.answers)
    is_ = Counter(one["primary_label"] for one in judged.evaluation.answers)
    right = Counter(one["predicted"] for one in judged.evaluation.answers if one["predicted"] == one["primary_label"])
    excess = sorted(
        ((n - is_[code], code) for code, n in said.items() if n - is_[code] >= 2), key=lambda one: (-one[0], one[1])
    )
    if not excess:
        return None
    rows = [
        [
            judged.name(code),
            f"{said[code]}",
            f"{is_[code]}",
            f"{right[code]} of {said[code]} ({percent(right[code] / said[code])})",
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
