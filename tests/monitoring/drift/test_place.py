"""What a place keeps of drift."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from monitoring.drift.place import as_json, days_of, documents, has_document, latest_document, write_document
from silencio.errors import DataError
from silencio.storage import join, write_bytes
from tests.monitoring.drift.made_documents import DAY, MADE_AT, made_document


def test_place__that_is_empty_has_no_days(place: str) -> None:
    assert days_of(place) == [] and latest_document(place) is None and not has_document(place, DAY)


def test_documents__come_back_by_day_and_the_newest_is_found(place: str) -> None:
    days = [DAY, DAY + timedelta(days=1), DAY - timedelta(days=20)]
    for day in days:
        write_document(place, made_document(day=day))
    # A run that was killed before its document, and what is no day of ours.
    write_bytes(join(place, f"date={DAY + timedelta(days=2)}", "index.html"), b"half")
    write_bytes(join(place, "date=yesterday", "drift.json"), b"{}")
    assert days_of(place) == [*sorted(days), DAY + timedelta(days=2)]
    newest = latest_document(place)
    assert newest == made_document(day=DAY + timedelta(days=1))
    assert [one.day for one in documents(place, days_of(place))] == sorted(days)


def test_json__is_the_same_but_for_the_time() -> None:
    later = as_json(made_document(made_at=MADE_AT + timedelta(hours=5)))
    assert later != as_json(made_document())
    assert later.replace("T10:00:00", "T05:00:00") == as_json(made_document())


@pytest.mark.parametrize("content", [b"", b'{"format": 2}', b'{"format": 1, "day": "2026-05-08"'])
def test_document__that_is_broken_is_named(tmp_path: Path, content: bytes) -> None:
    write_bytes(str(tmp_path / f"date={date(2026, 5, 8)}" / "drift.json"), content)
    with pytest.raises(DataError, match="date=2026-05-08/drift.json is no drift.json of this version"):
        latest_document(str(tmp_path))
