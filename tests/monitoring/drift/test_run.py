"""Days out of a prediction log: what is written, frozen and handed on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitoring.drift.actions import ActionPolicy, read_actions
from monitoring.drift.job import DriftJob
from monitoring.drift.outcomes import ALERT, NO_ALERT, NO_REFERENCE, NOT_DELIVERED, NoDataError
from monitoring.drift.place import days_of, document_uri, read_document
from monitoring.drift.references import RECORDINGS, WINDOWS, kept_references, reference_table, renew
from monitoring.drift.run import run_day
from monitoring.drift.webhook import Webhook
from silencio.drift import DriftPolicy
from silencio.errors import ConfigError, DataError, StorageError
from silencio.feedback import window_id
from silencio.network import free_ports
from silencio.storage import join, list_objects, read_bytes, write_bytes
from tests.monitoring.drift.made_log import FIRST, day_rows, days_from, quiet_days, write_log
from tests.s3 import running_s3
from tests.unit.feedback.made_judgements import judgement

NOW = datetime(2026, 6, 1, 5, tzinfo=UTC)
QUIET = days_from(FIRST, 9)
LOUD = days_from(QUIET[-1] + timedelta(days=1), 3)
# Of two devices, each its own evidence; few permutations are enough for what is no statistics here.
POLICY = DriftPolicy.shipped().model_copy(update={"n_permutations_of_large_effects": 999, "n_bootstraps": 50})


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Nine days as they are, then three on which every recorder is 9 dB louder."""
    place = str(tmp_path_factory.mktemp("log"))
    louder = {"am-1": 9.0, "am-2": 9.0, "am-3": 9.0}
    write_log(place, *quiet_days(9), *(day_rows(day, louder_db=louder) for day in LOUD))
    return place


# Noise at all recorders is weather, of which nothing is to be done but for this.
ACTIONS = ActionPolicy(actions={"weather_and_noise": "look"})


def job(log: str, place: object, **options: Any) -> DriftJob:
    return DriftJob(log=log, place=str(place), policy=POLICY, actions=ACTIONS, evidently=False, **options)


def contents(place: Path) -> dict[str, bytes]:
    return {one.uri.removeprefix(str(place)): read_bytes(one.uri) for one in list_objects(place)}


def test_run__before_the_reference_is_complete(log: str, tmp_path: Path) -> None:
    found = run_day(job(log, tmp_path), QUIET[4], NOW, catch_up=0)
    assert found.document.sites[0].outcome == "no_reference" and found.status == NO_REFERENCE
    assert kept_references(str(tmp_path), "north", QUIET[4]) == []


def test_run__alerts_on_the_third_day_and_makes_up_for_the_two_before(log: str, tmp_path: Path) -> None:
    found = run_day(job(log, tmp_path), LOUD[2], NOW)
    assert found.made_before == (*QUIET[8:], *LOUD[:2])
    outcomes = {
        day: document.sites[0].outcome
        for day in days_of(str(tmp_path))
        if (document := read_document(str(tmp_path), day))
    }
    assert outcomes == {QUIET[8]: "no_change"} | dict.fromkeys(LOUD, "changed")
    (cause, *_) = found.document.sites[0].causes
    assert (cause.since, cause.n_days_of_four, cause.alert) == (LOUD[0], 3, True)
    assert found.status == ALERT and found.n_alerts >= 1
    (action, *_) = read_actions(str(tmp_path))
    assert action.document == document_uri(str(tmp_path), LOUD[2]) and action in found.new_actions
    page = (tmp_path / f"date={LOUD[2]}" / "site=north.html").read_text()
    assert "an alert is due" in page and "the log keeps no sound" in page


def test_run__again_gives_the_same_bytes_but_for_the_time(log: str, tmp_path: Path) -> None:
    run_day(job(log, tmp_path), LOUD[0], NOW, catch_up=1)
    first = contents(tmp_path)
    again = run_day(job(log, tmp_path), LOUD[0], NOW + timedelta(hours=1), catch_up=1)
    assert again.new_actions == () and again.made_before == ()
    later = contents(tmp_path)
    changed = {name for name in first if first[name] != later[name]}
    assert changed == {f"/date={LOUD[0]}/{name}" for name in ("drift.json", "index.html", "site=north.html")}
    for name in changed:
        assert later[name].replace(b"T06:00", b"T05:00").replace(b" 06:00", b" 05:00") == first[name]
    assert first.keys() == later.keys()


def test_run__writes_to_s3_what_it_writes_to_a_folder(
    log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = running_s3().use(monkeypatch).new_place()
    run_day(job(log, place), LOUD[0], NOW, catch_up=0)
    run_day(job(log, tmp_path), LOUD[0], NOW, catch_up=0)
    names = {one.uri.removeprefix(place) for one in list_objects(place)}
    assert names == set(contents(tmp_path))
    assert f"/date={LOUD[0]}/drift.json" in names


def test_reference__is_frozen_once_whatever_comes_later(log: str, tmp_path: Path) -> None:
    run_day(job(log, tmp_path), LOUD[0], NOW, catch_up=0)
    (first,) = kept_references(str(tmp_path), "north", LOUD[0])
    assert first.reference.days[-1] < LOUD[0] and first.reference.devices == ("am-1", "am-2", "am-3")
    run_day(job(log, tmp_path), LOUD[2], NOW, catch_up=0)
    (second,) = kept_references(str(tmp_path), "north", LOUD[2])
    assert second.uri == first.uri
    inputs = json.loads((tmp_path / f"date={LOUD[2]}" / "inputs.json").read_text())
    assert inputs["sites"]["north"]["reference"]["sha256"] == first.reference.sha256
    # Of a day before its end it is not known.
    assert kept_references(str(tmp_path), "north", first.reference.days[-1]) == []


@pytest.mark.parametrize("what", ["another reference's content", "half of it"])
def test_reference__that_is_not_what_was_frozen_is_refused(log: str, tmp_path: Path, what: str) -> None:
    run_day(job(log, tmp_path / "one"), LOUD[0], NOW, catch_up=0)
    run_day(job(log, tmp_path / "two", left_out=frozenset({QUIET[0]})), LOUD[0], NOW, catch_up=0)
    (kept,) = kept_references(str(tmp_path / "one"), "north", LOUD[0])
    (other,) = kept_references(str(tmp_path / "two"), "north", LOUD[0])
    assert QUIET[0] in kept.reference.days and QUIET[0] not in other.reference.days
    text = read_bytes(other.uri)
    write_bytes(kept.uri, text if what == "another reference's content" else text[: len(text) // 2])
    with pytest.raises(DataError, match=r"references/site=north/2026-05-01-12-\w+.json"):
        run_day(job(log, tmp_path / "one"), LOUD[1], NOW, catch_up=0)


def test_reference__is_begun_anew_from_a_day_on(log: str, tmp_path: Path) -> None:
    run_day(job(log, tmp_path), LOUD[0], NOW, catch_up=0)
    renew(str(tmp_path), "north", LOUD[0], "a new microphone at am-1", NOW)
    found = run_day(job(log, tmp_path), LOUD[1], NOW, catch_up=0)
    assert found.document.sites[0].outcome == "no_reference"
    # Days before the renewal are compared as they were.
    assert run_day(job(log, tmp_path), QUIET[8], NOW, catch_up=0).document.sites[0].outcome == "no_change"
    with pytest.raises(ConfigError, match="anew on 2026-05-10 already"):
        renew(str(tmp_path), "north", LOUD[0], "again", NOW)
    with pytest.raises(ConfigError, match="no reference of site 'south'"):
        renew(str(tmp_path), "south", LOUD[0], "a typing error", NOW)


def test_release__is_held_against_the_reference_of_the_version_before(log: str, tmp_path: Path) -> None:
    new = str(tmp_path / "log")
    write_log(new, *quiet_days(9), day_rows(LOUD[0], version="13"))
    found = run_day(job(new, tmp_path / "out"), LOUD[0], NOW, catch_up=1)
    (site,) = found.document.sites
    assert [one.cause for one in site.causes] == ["release"] and found.document.bundle_version == "13"


def test_site__that_sends_nothing_keeps_its_verdict(log: str, tmp_path: Path) -> None:
    both = str(tmp_path / "log")
    write_log(both, *quiet_days(9), *(day_rows(day, "south") for day in QUIET[:8]))
    run_day(job(both, tmp_path / "out"), QUIET[7], NOW, catch_up=0)
    found = run_day(job(both, tmp_path / "out"), QUIET[8], NOW, catch_up=0)
    north, south = found.document.sites
    assert (north.site_id, south.site_id) == ("north", "south")
    assert (south.outcome, south.n_recordings) == ("not_enough", 0)


def test_recording__belongs_to_the_day_of_its_site(log: str, tmp_path: Path) -> None:
    found = run_day(job(log, tmp_path), QUIET[8], NOW, catch_up=0)
    # The last of the local day is received on the next UTC day: all 144 of each recorder are there.
    assert found.document.sites[0].n_recordings == 432


def test_webhook__that_is_down_is_told_by_the_status_and_loses_nothing(log: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    webhook = Webhook(f"http://127.0.0.1:{port}/", max_elapsed_s=0)
    found = run_day(job(log, tmp_path, webhook=webhook), LOUD[2], NOW)
    assert found.status == NOT_DELIVERED
    assert found.delivery is not None and found.delivery.n_waiting == len(read_actions(str(tmp_path))) > 0
    assert run_day(job(log, tmp_path), LOUD[0], NOW, catch_up=0).status == NO_ALERT


def test_run__that_fails_leaves_what_was_there(log: str, tmp_path: Path) -> None:
    run_day(job(log, tmp_path), QUIET[8], NOW, catch_up=0)
    before = contents(tmp_path)
    with pytest.raises(NoDataError):
        run_day(job(log, tmp_path), date(2026, 7, 1), NOW)
    with pytest.raises(ConfigError, match="no site 'east'; it has north"):
        run_day(job(log, tmp_path, sites=("east",)), QUIET[8], NOW)
    assert contents(tmp_path) == before


def test_folder__with_a_run_that_was_killed_is_made_anew(log: str, tmp_path: Path) -> None:
    write_bytes(join(str(tmp_path), f"date={LOUD[0]}", "index.html"), b"half")
    found = run_day(job(log, tmp_path), LOUD[1], NOW, catch_up=1)
    assert LOUD[0] in found.made_before


def test_reference__waits_for_a_recorder_that_came_later(tmp_path: Path) -> None:
    days = days_from(FIRST, 10)
    late = [day_rows(day, devices=("am-9",)) for day in days[2:]]
    write_log(str(tmp_path / "log"), *map(day_rows, days), *late)
    early, enough = (run_day(job(str(tmp_path / "log"), tmp_path), day, NOW, catch_up=0) for day in (days[8], days[9]))
    assert (early.document.sites[0].outcome, enough.document.sites[0].outcome) == ("no_reference", "no_change")
    (kept,) = kept_references(str(tmp_path), "north", days[9])
    assert kept.reference.devices == ("am-1", "am-2", "am-3", "am-9")


def test_reference__is_extended_by_a_recorder_when_its_days_are_complete(tmp_path: Path) -> None:
    days = days_from(FIRST, 20)
    tables = [day_rows(day, devices=("am-1", "am-2") if day < days[9] else ("am-1", "am-2", "am-9")) for day in days]
    log, place = str(tmp_path / "log"), tmp_path / "out"
    write_log(log, *tables)
    run_day(job(log, place), days[8], NOW, catch_up=0)
    (first,) = kept_references(str(place), "north", days[8])
    bytes_before = read_bytes(first.uri)
    early = run_day(job(log, place), days[13], NOW, catch_up=0)
    assert "Without a reference: am-9." in early.document.sites[0].message
    assert [one.uri for one in kept_references(str(place), "north", days[13])] == [first.uri]

    found = run_day(job(log, place), days[18], NOW, catch_up=0)
    assert "Without a reference" not in found.document.sites[0].message
    old, new = kept_references(str(place), "north", days[18])
    assert old.uri == first.uri and read_bytes(old.uri) == bytes_before
    assert new.reference.devices == ("am-1", "am-2", "am-9") and new.reference.sha256 != old.reference.sha256
    own = old.reference.blocks
    kept = new.reference.blocks.of(devices=own.devices, days=own.days, codes=own.codes)
    assert kept.values.tobytes() == own.values.tobytes() and kept.named.tobytes() == own.named.tobytes()
    inputs = json.loads((place / f"date={days[18]}" / "inputs.json").read_text())
    assert inputs["sites"]["north"]["reference"]["sha256"] == new.reference.sha256
    (note,) = inputs["sites"]["north"]["notes"]
    assert "extended by am-9" in note and old.reference.sha256[:12] in note and new.reference.sha256[:12] in note
    for name in (RECORDINGS, WINDOWS):
        table, before = reference_table(new, name), reference_table(old, name)
        assert table is not None and before is not None
        # As text: what was not measured is no number, and equals nothing.
        assert str(table.slice(0, len(before)).to_pydict()) == str(before.to_pydict())
        assert set(table.slice(len(before))["device_id"].to_pylist()) == {"am-9"}

    # Again it is the same one; a day before its end is held against the old one.
    run_day(job(log, place), days[18], NOW, catch_up=0)
    assert len(kept_references(str(place), "north", days[18])) == 2
    again = run_day(job(log, place), days[13], NOW, catch_up=0)
    assert again.document == early.document


def test_run__that_ends_before_its_actions_are_kept_leaves_the_day_to_the_next(
    log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day that has its document is not made again: what it made due would be lost."""

    def full(*_: object) -> None:
        raise StorageError("no room is left")

    shutil.copytree(log, tmp_path / "log")
    place, after = str(tmp_path / "out"), LOUD[2] + timedelta(days=1)
    write_log(str(tmp_path / "log"), day_rows(after))
    found = job(str(tmp_path / "log"), place)
    run_day(found, LOUD[1], NOW)
    with monkeypatch.context() as patch:
        patch.setattr("monitoring.drift.run.keep_actions", full)
        with pytest.raises(StorageError):
            run_day(found, LOUD[2], NOW)
    assert read_document(place, LOUD[2]) is None and read_actions(place) == []
    assert run_day(found, after, NOW).made_before == (LOUD[2],)
    assert {one.day for one in read_actions(place)} == {LOUD[2]}


def test_run__of_one_site_leaves_the_others_verdicts_of_the_day(tmp_path: Path) -> None:
    for name in ("north", "south"):
        write_log(str(tmp_path / "log"), *(day_rows(day, site=name) for day in QUIET))
    both = job(str(tmp_path / "log"), tmp_path)
    whole = run_day(both, QUIET[8], NOW, catch_up=0).document
    again = run_day(replace(both, sites=("north",)), QUIET[8], NOW, catch_up=0).document
    assert [one.site_id for one in again.sites] == ["north", "south"]
    assert again.sites == whole.sites


def test_sites__a_name_that_was_mistyped_once_is_no_site_that_is_silent(log: str, tmp_path: Path) -> None:
    shutil.copytree(log, tmp_path / "log")
    stray = day_rows(LOUD[0], site="nroth").slice(0, 1)
    write_log(str(tmp_path / "log"), stray)
    found = job(str(tmp_path / "log"), tmp_path / "out")
    first, second = (run_day(found, day, NOW, catch_up=0).document for day in LOUD[:2])
    assert [one.site_id for one in first.sites] == ["north", "nroth"]
    assert [one.site_id for one in second.sites] == ["north"]


def test_reviews__of_the_last_two_weeks_stand_in_the_verdict(log: str, tmp_path: Path) -> None:
    rows = day_rows(QUIET[6])
    named = [row for row in rows.to_pylist() if row["detected_codes"]][:60]
    judgements = [
        judgement(
            number,
            "absent" if number % 3 == 0 else "present",
            row["detected_codes"][0],
            detection_or_window_id=window_id(row["prediction_id"], 0),
        )
        for number, row in enumerate(named)
    ]
    reviews = tmp_path / "reviews.jsonl"
    reviews.write_text("".join(f"{one.model_dump_json()}\n" for one in judgements))
    found = run_day(job(log, tmp_path / "out", reviews=str(reviews)), QUIET[8], NOW, catch_up=0)
    (site,) = found.document.sites
    assert (site.n_reviews, site.review_precision) == (60, pytest.approx(40 / 60))
    assert site.review_interval is not None and site.review_interval[1] < 0.8
    # The probabilities promised .85: too few of these are right.
    assert [one.cause for one in site.causes] == ["model_decay"]
