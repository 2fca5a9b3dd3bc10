"""Actions that verdicts make due, and how they are kept."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitoring.drift.actions import (
    ActionPolicy,
    action_id,
    due_actions,
    keep_actions,
    mark_delivered,
    read_actions,
    undelivered_actions,
)
from silencio.drift.document import DriftDocument
from silencio.errors import DataError
from silencio.storage import join, write_bytes
from tests.monitoring.drift.made_documents import DAY, MADE_AT, cause, made_document, site

POLICY = ActionPolicy()


def due(document: DriftDocument, policy: ActionPolicy = POLICY, hours: int = 0) -> list:
    return due_actions(document, "place/drift.json", policy, MADE_AT + timedelta(hours=hours))


def test_due__an_alert_with_its_action() -> None:
    (found,) = due(made_document())
    assert (found.site, found.cause, found.action, found.devices) == (
        "north",
        "microphone_or_site",
        "inspect_device",
        ("am-1",),
    )
    assert found.id == action_id("north", "microphone_or_site", date(2026, 5, 6), "inspect_device", "am-1")


def test_due__each_device_is_inspected_by_an_action_of_its_own(place: str) -> None:
    """One that breaks while another is broken is known by no earlier action."""
    keep_actions(place, due(made_document()))
    (new,) = keep_actions(place, due(made_document(site(causes=(cause(devices=("am-1", "am-2")),)))))
    assert (new.action, new.devices) == ("inspect_device", ("am-2",))


def test_due__a_review_that_becomes_a_retraining_is_another_action(place: str) -> None:
    decay = {"cause": "model_decay", "devices": ()}
    keep_actions(place, due(made_document(site(causes=(cause(**decay, action="review"),)))))
    (new,) = keep_actions(place, due(made_document(site(causes=(cause(**decay, action="retrain"),)))))
    assert new.action == "retrain"


@pytest.mark.parametrize(
    ("changes", "policy", "n"),
    [
        ({"alert": False}, {}, 0),
        ({"alert": False}, {"when": "found"}, 1),
        ({"action": "none"}, {}, 0),
        ({"certainty": "suspected"}, {"min_certainty": "likely"}, 0),
        ({"certainty": "confirmed"}, {"min_certainty": "likely"}, 1),
        ({}, {"actions": {"microphone_or_site": "none"}}, 0),
    ],
)
def test_due__by_policy(changes: dict[str, Any], policy: dict[str, Any], n: int) -> None:
    assert len(due(made_document(site(causes=(cause(**changes),))), ActionPolicy(**policy))) == n


def test_id__differs_by_what_is_to_be_done_alone() -> None:
    ids = {
        action_id(*key)
        for key in (
            ("north", "model_decay", DAY, "review"),
            ("south", "model_decay", DAY, "review"),
            ("north", "release", DAY, "review"),
            ("north", "model_decay", DAY + timedelta(days=1), "review"),
            ("north", "model_decay", DAY, "retrain"),
            ("north", "model_decay", DAY, "review", "am-1"),
        )
    }
    assert len(ids) == 6
    next_day = made_document(day=DAY + timedelta(days=1), bundle_version="13")
    assert [one.id for one in due(next_day)] == [one.id for one in due(made_document())]


def test_kept__once_and_as_it_was(place: str) -> None:
    assert read_actions(place) == []
    first = due(made_document())
    assert keep_actions(place, first) == first
    assert keep_actions(place, due(made_document(), hours=24)) == []
    assert read_actions(place) == first


def test_undelivered__until_the_receiver_took_it(place: str) -> None:
    (action,) = keep_actions(place, due(made_document()))
    mark_delivered(place, action, "http://one/hook?token=secret")
    assert undelivered_actions(place, "http://one/hook?token=secret") == []
    # A token that was exchanged is no other receiver.
    assert undelivered_actions(place, "http://one/hook?token=another") == []
    assert undelivered_actions(place, "http://two/hook") == [action]
    assert read_actions(place) == [action]


def test_read__what_is_no_action_is_named(tmp_path: Path) -> None:
    write_bytes(join(str(tmp_path), "actions", "x.json"), b"{}")
    with pytest.raises(DataError, match=r"actions/x.json is no action"):
        read_actions(str(tmp_path))
