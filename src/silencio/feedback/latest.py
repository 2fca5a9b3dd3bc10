"""Which judgements hold, and what they come to where several people looked at one window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from silencio.errors import DataError
from silencio.feedback.judgement import ANY_SPECIES, Judgement, Verdict

# A guest's tap in an app does not outweigh whoever reviews.
_REVIEWERS = frozenset({"reviewer", "admin"})


@dataclass(frozen=True)
class Held:
    """What is known of one species in one window.

    Attributes:
        verdict: `unsure` where those who looked disagree.
        complete: Somebody labelled everything in the window.
        n_reviewers: People behind it.
    """

    verdict: Verdict
    complete: bool
    n_reviewers: int


def held_judgements(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Those that nothing replaced, by time.

    A row that was replaced no longer holds, however the one that replaced it fared since; a replaced row that is not
    there (it was erased) changes nothing. Of two rows of one reviewer about one window and species the later holds.

    Args:
        judgements: All of them, in any order.

    Raises:
        DataError: Two rows have one identifier, a row replaces one of another window, or rows replace each other in a
            circle.
    """
    ordered = sorted(judgements, key=lambda one: (one.created_at, one.id))
    by_id: dict[str, Judgement] = {}
    for one in ordered:
        if by_id.setdefault(one.id, one) != one:
            raise DataError(f"two judgements have the id {one.id}: rows are added, never changed")
    _check_chains(by_id)
    replaced = {one.replaces_id for one in by_id.values()}
    last: dict[tuple[str, str, str], Judgement] = {}
    for one in by_id.values():
        if one.id not in replaced:
            last[one.detection_or_window_id, one.species_code, one.reviewer_key] = one
    return sorted(last.values(), key=lambda one: (one.created_at, one.id))


def verdicts(judgements: Iterable[Judgement], detected: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], Held]:
    """What the judgements come to, by window and species.

    `*` stands for every species that was detected in the window; a row of the same reviewer that names the species
    goes before it. `complete` makes every detected species absent that its reviewer named nowhere. Reviewers go before
    apps; among several the majority of `present` and `absent` holds, and a tie is `unsure`.

    Args:
        judgements: All of them, in any order.
        detected: Codes that were detected, by window.

    Raises:
        DataError: As `held_judgements`.
    """
    by_reviewer: dict[tuple[str, str], list[Judgement]] = {}
    for one in held_judgements(judgements):
        by_reviewer.setdefault((one.detection_or_window_id, one.reviewer_key), []).append(one)
    votes: dict[tuple[str, str], list[tuple[Judgement, Verdict]]] = {}
    complete: set[str] = set()
    for (window, _), rows in by_reviewer.items():
        if any(one.complete for one in rows):
            complete.add(window)
        for code, vote in _by_species(rows, detected.get(window, ())).items():
            votes.setdefault((window, code), []).append(vote)
    return {key: _held(found, key[0] in complete) for key, found in votes.items()}


def _check_chains(by_id: Mapping[str, Judgement]) -> None:
    for start in by_id.values():
        seen, one = {start.id}, start
        while one.replaces_id is not None and one.replaces_id in by_id:
            before = by_id[one.replaces_id]
            if before.detection_or_window_id != one.detection_or_window_id:
                raise DataError(
                    f"judgement {one.id} of {one.detection_or_window_id} replaces {before.id}, which is of "
                    f"{before.detection_or_window_id}"
                )
            if before.id in seen:
                raise DataError(f"judgements replace each other in a circle: {', '.join(sorted(seen))}")
            seen.add(before.id)
            one = before


def _by_species(rows: Sequence[Judgement], detected: Sequence[str]) -> dict[str, tuple[Judgement, Verdict]]:
    """One reviewer's verdict on each species of one window."""
    found: dict[str, tuple[Judgement, Verdict]] = {}
    if whole := [one for one in rows if one.complete]:
        found |= dict.fromkeys(detected, (whole[-1], "absent"))
    for one in rows:
        if one.species_code == ANY_SPECIES:
            found |= dict.fromkeys(detected, (one, one.verdict))
    found |= {one.species_code: (one, one.verdict) for one in rows if one.species_code != ANY_SPECIES}
    return found


def _held(votes: Sequence[tuple[Judgement, Verdict]], is_complete: bool) -> Held:
    counted = [vote for vote in votes if vote[0].role in _REVIEWERS] or list(votes)
    tally = Counter(verdict for _, verdict in counted)
    return Held(_majority(tally), is_complete, len({one.reviewer_key for one, _ in counted}))


def _majority(tally: Counter[Verdict]) -> Verdict:
    present, absent = tally["present"], tally["absent"]
    if present != absent:
        return "present" if present > absent else "absent"
    only: Literal["unsure", "bad_audio"] = "bad_audio" if set(tally) == {"bad_audio"} else "unsure"
    return only
