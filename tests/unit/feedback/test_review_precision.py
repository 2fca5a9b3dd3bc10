"""Precision of reviewed detections."""

from __future__ import annotations

import pytest
from scipy.stats import beta

from silencio.feedback import Detection, Held, review_precision


def reviewed(*verdicts: str) -> dict[tuple[str, str], Held]:
    return {(f"w{n}", "houspa"): Held(verdict, False, 1) for n, verdict in enumerate(verdicts)}  # type: ignore[arg-type]


def detections(*probabilities: float) -> list[Detection]:
    return [Detection(f"w{n}", "houspa", p) for n, p in enumerate(probabilities)]


def test_precision__counts_what_was_confirmed_or_rejected_alone() -> None:
    found = review_precision(
        detections(0.9, 0.8, 0.7, 0.2, 0.1), reviewed("present", "absent", "present", "unsure", "bad_audio")
    )
    assert (found.n_right, found.n_reviewed, found.precision) == (2, 3, pytest.approx(2 / 3))
    # Of the same three, not of all five.
    assert found.expected == pytest.approx(0.8)
    assert found.interval == pytest.approx(tuple(beta.ppf([0.025, 0.975], 2.5, 1.5)))


def test_precision__a_verdict_on_another_species_is_none_on_this_one() -> None:
    assert review_precision([Detection("w0", "grekis", 0.9)], reviewed("present")).n_reviewed == 0


def test_precision__without_reviews_there_is_none() -> None:
    found = review_precision(detections(0.9), {})
    assert (found.precision, found.interval, found.expected) == (None, None, None)


@pytest.mark.parametrize(("verdict", "end", "precision"), [("present", 1, 1.0), ("absent", 0, 0.0)])
def test_precision__the_interval_reaches_an_end_that_was_observed(verdict: str, end: int, precision: float) -> None:
    found = review_precision(detections(*[0.9] * 5), reviewed(*[verdict] * 5))
    assert found.interval is not None and found.interval[end] == found.precision == precision
    assert found.interval[0] < found.interval[1]
