"""Zeros are recorded silence, missing values are nights without a recorder."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from silencio.ecology import DetectionHistory, Review, detection_history
from tests.unit.ecology.made_log import observed, recording

NOON = datetime(2026, 5, 1, 17, 0, tzinfo=UTC)  # in Bogotá
LAST = date(2026, 5, 4)


def _history(*rows: list[dict[str, Any]], reviews: dict[Any, Review] | None = None, **options: Any) -> DetectionHistory:
    return detection_history(observed(*rows, reviews=reviews), date(2026, 5, 1), LAST, **options)


def _row(history: DetectionHistory, code: str, site: int = 0) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in history.found[code][site]]


def test_history__a_day_without_animals_is_zero_and_one_without_sound_is_missing() -> None:
    history = _history(
        recording(["a"], at=NOON, duration_s=60),
        recording([], at=NOON + timedelta(days=1), duration_s=120),
        recording(["b"], at=NOON + timedelta(days=3), site_id="rio"),
    )
    assert history.sites == ("mirador", "rio")
    assert history.occasions == tuple(date(2026, 5, day) for day in (1, 2, 3, 4))
    assert _row(history, "a") == [1, 0, None, None]
    assert _row(history, "a", site=1) == [None, None, None, 0]
    assert history.minutes[0].tolist() == [1, 2, 0, 0]


def test_history__a_night_bears_the_evenings_date() -> None:
    before_noon, after_noon = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)
    dawn = NOON + timedelta(hours=17)  # 5:00 of the next day
    history = _history(
        recording(["a"], at=before_noon), recording(["b"], at=after_noon), recording(["c"], at=dawn), kind="night"
    )
    assert _row(history, "b") == [1, None, None, None] == _row(history, "c")
    # What was recorded before the first noon belongs to the night before the period.
    assert _row(history, "a") == [0, None, None, None]
    days = _history(recording(["c"], at=dawn))
    assert _row(days, "c") == [None, 1, None, None]


def test_history__days_are_pooled_into_occasions_with_their_effort() -> None:
    history = _history(
        recording([], at=NOON, duration_s=60), recording(["a"], at=NOON + timedelta(days=1), duration_s=60), n_days=2
    )
    assert history.occasions == (date(2026, 5, 1), date(2026, 5, 3))
    assert _row(history, "a") == [1, None]
    assert history.minutes[0].tolist() == [2, 0]


def test_history__too_little_sound_is_missing() -> None:
    history = _history(recording(["a"], at=NOON, duration_s=60), min_minutes=1.5)
    assert _row(history, "a") == [None] * 4
    assert history.minutes[0][0] == 1


@pytest.mark.parametrize(
    ("verdicts", "accepted", "verified"),
    [
        ((None, None), 1, None),
        (("present", None), 1, 1),
        # One was rejected; of the other nobody knows.
        (("absent", None), 1, None),
        (("absent", "absent"), 0, 0),
        (("unsure", "absent"), 0, None),
    ],
)
def test_history__what_counts_as_found(
    verdicts: tuple[str | None, str | None], accepted: float, verified: float | None
) -> None:
    rows = [recording(["a"], at=NOON + timedelta(hours=i), request_id=f"r{i}") for i in range(2)]
    reviews = {(f"r{i}-0", 0, "a"): Review(one) for i, one in enumerate(verdicts) if one}  # type: ignore[arg-type]
    options = {"codes": ("a",), "reviews": reviews}
    assert _row(_history(*rows, **options), "a")[0] == accepted
    assert _row(_history(*rows, evidence="verified", **options), "a")[0] == verified


def test_history__recordings_without_a_time_of_their_own_are_no_occasion() -> None:
    history = _history(recording(["a"], at=NOON, recorded_at=None), recording(["b"], at=NOON))
    assert list(history.found) == ["b"]
    assert history.minutes.sum() == pytest.approx(5 / 60)
