"""Judgements that tests make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from silencio.feedback import Judgement, window_id

START = datetime(2026, 5, 8, 6, tzinfo=UTC)
WINDOW = window_id("r1-0", 3)


def judgement(number: int, verdict: str = "present", code: str = "houspa", **changes: Any) -> Judgement:
    """One a minute, of one reviewer, about one window."""
    row: dict[str, Any] = {
        "id": f"j{number}",
        "detection_or_window_id": WINDOW,
        "request_id": "r1",
        "window_index": 3,
        "species_code": code,
        "verdict": verdict,
        "reviewer_key": "ana",
        "role": "reviewer",
        "created_at": START + timedelta(minutes=number),
    }
    return Judgement.model_validate(row | changes)
