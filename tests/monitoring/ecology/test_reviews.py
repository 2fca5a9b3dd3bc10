"""Judgements of a file, at their moment."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from monitoring.ecology.reviews import read_judgements, reviews_of
from silencio.ecology import recordings_of
from tests.monitoring.ecology.made_place import judgement
from tests.unit.ecology.made_log import PLACES, recording, table


def _file(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "judgements.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_judgements__an_offset_is_believed(tmp_path: Path) -> None:
    (one,) = read_judgements(_file(tmp_path, judgement("r", 0, "a", "present", created_at="2026-06-01T20:00:00-05:00")))
    assert one.created_at == datetime(2026, 6, 2, 1, tzinfo=UTC)


def test_reviews__whole_windows_unknown_species_and_bad_sound(tmp_path: Path) -> None:
    rows = recording(["a", "b"], ["a"], ["a"], request_id="r")
    days = datetime(2026, 5, 1, tzinfo=UTC).date(), datetime(2026, 6, 1, tzinfo=UTC).date()
    judgements = read_judgements(
        _file(
            tmp_path,
            judgement("r", 0, "*", "absent"),
            judgement("r", 0, "?", "present"),
            judgement("r", 1, "*", "bad_audio"),
            judgement("other", 0, "a", "absent"),
        )
    )
    reviews = reviews_of(judgements, recordings_of(table(rows), PLACES, *days))
    assert {key: one.verdict for key, one in reviews.items()} == {
        ("r-0", 0, "a"): "absent",
        ("r-0", 0, "b"): "absent",
        ("r-0", 1, "a"): "unsure",
    }
