"""The commands of a release owner on a place in memory: what is refused, what is left, what works broken."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines import release_commands
from serving.canary.world import World
from silencio.__main__ import main
from silencio.bundle.manifest import MANIFEST, BundleManifest, read_manifest
from silencio.errors import RouteError
from silencio.prediction_log.rows import RecordingFacts, as_table, window_records
from silencio.release.comparison import AnswerComparison
from silencio.release.comparison_file import comparison_facts
from silencio.release.evidence import ClassChange, Pairs
from silencio.release.plan import Traffic
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.serving.canary import world
from tests.serving.canary.world import NEW, OLD, quick_policy
from tests.unit.release.made_answers import manifest


class CommandPlace:
    """A place as `pipelines.release_places.Place`."""

    def __init__(self, memory: world.Place) -> None:
        self.memory = memory
        self.route, self.store, self.requests = memory.route, memory.store, memory.store
        self.challenger = NEW
        self.of_bundles: tuple[BundleManifest, BundleManifest] | None = None

    def world(self, **others: Any) -> World:
        return self.memory.world(**others)

    def bundles(self, options: argparse.Namespace) -> tuple[BundleIdentity, BundleIdentity]:
        champion, challenger = (
            BundleIdentity(version=sha256[:2], manifest_sha256=sha256, place=sha256[:2])
            for sha256 in (OLD, self.challenger)
        )
        return champion, challenger

    def manifests(
        self, options: argparse.Namespace, champion: BundleIdentity, challenger: BundleIdentity
    ) -> tuple[BundleManifest, BundleManifest] | None:
        return self.of_bundles

    def traffic(self) -> Traffic:
        return Traffic(units_per_hour=[2_000.0])

    def folder(self, release_id: str) -> Path:
        return self.store.of_release(release_id)

    def earlier_releases(self) -> list[ReleaseRecord]:
        return self.store.earlier()

    def record_of_route(self) -> ReleaseRecord:
        champion, challenger = self.bundles(argparse.Namespace())
        return ReleaseRecord(
            release_id="unknown",
            champion=champion,
            challenger=challenger,
            policy={},
            began_at="2026-11-30T07:00:00+00:00",
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandPlace:
    found = CommandPlace(world.Place(tmp_path / "release"))
    monkeypatch.setattr(release_commands, "place_of", lambda options: found)
    return found


def _at_10_percent(place: CommandPlace) -> None:
    place.memory.begin(quick_policy())
    while place.memory.watch(10.0).share_percent < 10.0:
        assert place.memory.clock.now < world.BEGAN_S + 10_000


def test_start__writes_a_record_and_offers_nothing_yet(place: CommandPlace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "start", "--by", "ana"]) == 0
    record = place.store.load()
    assert record is not None and (record.state, record.by, record.share_percent) == ("staged", "ana", 0.0)
    assert record.release_id in capsys.readouterr().out
    assert place.route.challenger is None


def test_start__refuses_a_second_release_unless_it_supersedes(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    _at_10_percent(place)
    assert main(["release", "start"]) == 1
    assert "has not ended" in capsys.readouterr().err
    assert place.route.to(NEW) == 10.0
    assert main(["release", "start", "--supersede", "--by", "ben"]) == 0
    assert place.route.to(OLD) == 100.0, "visitors of the former release go back first"
    states = {record.release_id: record.state for record in place.store.earlier()}
    assert states.pop("r1") == "superseded" and list(states.values()) == ["staged"]


def test_start__refuses_the_champion_itself_unless_asked_for(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    place.challenger = OLD
    assert main(["release", "start"]) == 1
    assert "--aa" in capsys.readouterr().err and place.store.load() is None
    assert main(["release", "start", "--aa"]) == 0
    record = place.store.load()
    assert record is not None and record.is_aa


def test_start__refuses_what_was_rolled_back_unless_again_and_draws_anew(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    place.memory.visitors.failing = {NEW: 0.5}
    place.memory.begin(quick_policy())
    assert place.memory.auto().state == "rolled_back"
    assert main(["release", "start"]) == 1
    assert "--again" in capsys.readouterr().err
    assert main(["release", "start", "--again"]) == 0
    record = place.store.load()
    assert record is not None and record.release_id != "r1"


def _two(**changes: Any) -> tuple[BundleManifest, BundleManifest]:
    """Manifests of a champion and of a challenger that differs in this."""
    champion = manifest(("a", "b"), version="12").model_copy(update={"licences": {"recordings": {"CC BY 4.0": 9}}})
    return champion, champion.model_copy(update={"version": "13", **changes})


def _comparison(path: Path, classes: ClassChange) -> str:
    found = AnswerComparison(n_recordings=0, sound_s=0.0, pairs=Pairs(disagreement=np.zeros(0)), classes=classes)
    path.write_text(json.dumps(comparison_facts(found)), encoding="utf-8")
    return str(path)


def test_start__refuses_a_licence_that_asks_for_more_before_anything_is_changed(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    _at_10_percent(place)
    place.of_bundles = _two(licences={"recordings": {"CC BY-NC 4.0": 9}})
    assert main(["release", "start", "--supersede"]) == 1
    assert "non-commercial" in capsys.readouterr().err
    assert place.route.to(NEW) == 10.0, "the release that goes on is not ended for it"
    assert main(["release", "start", "--supersede", "--accept-licence", "nothing is sold"]) == 0
    record = place.store.load()
    assert record is not None and record.state == "staged" and "nothing is sold" in record.why


def test_start__refuses_another_specification_where_clients_send_features(
    place: CommandPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.of_bundles = _two(spec_sha256="f" * 64)
    used = _comparison(tmp_path / "used.json", ClassChange(spec_gone=True, log_mel_requests=7))
    assert main(["release", "start", "--isvc", "wild/silencio", "--replay", used]) == 1
    assert "7 requests" in capsys.readouterr().err
    assert place.store.load() is None and place.route.challenger is None
    unused = _comparison(tmp_path / "unused.json", ClassChange(spec_gone=True))
    assert main(["release", "start", "--isvc", "wild/silencio", "--replay", unused]) == 0


def test_start__leaves_another_specification_to_the_rule_on_one_machine(place: CommandPlace, tmp_path: Path) -> None:
    """It refuses before any visitor, and its page says why."""
    place.of_bundles = _two(spec_sha256="f" * 64)
    used = _comparison(tmp_path / "used.json", ClassChange(spec_gone=True, log_mel_requests=7))
    assert main(["release", "start", "--replay", used]) == 0


def test_start__reads_the_log_for_clients_that_send_features(
    place: CommandPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a comparison, too."""
    place.of_bundles = _two(spec_sha256="f" * 64)
    at = datetime.now(UTC) - timedelta(days=3)
    facts = RecordingFacts(
        request_id="r1",
        prediction_id="r1-0",
        received_at=at,
        bundle_name="silencio",
        bundle_version="12",
        spec_sha256="s",
    )
    one, nothing = np.zeros((1, 2), bool), dict[str, Any]()
    rows = window_records(facts, [0.0], 5.0, ("a", "b"), np.full((1, 2), 0.5, np.float32), one, one, nothing)
    folder = tmp_path / "log" / f"date={at:%Y-%m-%d}"
    folder.mkdir(parents=True)
    pq.write_table(as_table(rows), folder / "one.parquet")
    assert main(["release", "start", "--isvc", "wild/silencio", "--prediction-log", str(tmp_path / "log")]) == 1
    assert "1 requests of the last 30 days sent log_mel features" in capsys.readouterr().err
    assert place.store.load() is None


def test_rollback_now__works_with_the_record_counts_and_mlflow_broken(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    _at_10_percent(place)
    place.memory.visitors.is_readable, place.memory.registry.is_away = False, True
    (place.store.folder / "state.json").write_text("{ half a rec")
    assert main(["release", "rollback", "--now"]) == 0
    assert place.route.to(OLD) == 100.0
    streams = capsys.readouterr()
    assert "everybody to the champion" in streams.out and "the record cannot be read" in streams.err


def test_rollback_now__is_written_down_where_the_record_is_whole(place: CommandPlace) -> None:
    _at_10_percent(place)
    place.memory.registry.is_away = True
    assert main(["release", "rollback", "--now", "--by", "ana", "--reason", "phones cry"]) == 0
    record = place.store.load()
    assert record is not None and (record.state, record.outstanding) == ("rolled_back", ("note",))
    assert record.history[-1].by == "ana" and "phones cry" in record.why


def test_rollback_now__does_not_wait_for_the_judge(place: CommandPlace, capsys: pytest.CaptureFixture[str]) -> None:
    _at_10_percent(place)
    with place.store.lease("the judge"):
        assert main(["release", "rollback", "--now", "--by", "ana"]) == 0
        assert place.route.to(OLD) == 100.0
    assert "left for the judge" in capsys.readouterr().out
    assert place.memory.watch(10.0).state == "rolled_back"


def test_rollback_now__fails_where_the_route_does_not_take_it(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _at_10_percent(place)

    def refuse(record: ReleaseRecord) -> None:
        raise RouteError("HAProxy does not answer")

    monkeypatch.setattr(place.route, "roll_back", refuse)
    assert main(["release", "rollback", "--now"]) == 1
    assert "HAProxy does not answer" in capsys.readouterr().err


def test_command__is_left_for_the_judge_who_holds_the_lease(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    _at_10_percent(place)
    with place.store.lease("the judge"):
        assert main(["release", "pause", "--by", "ana"]) == 0
    assert "left for the judge" in capsys.readouterr().out
    assert [request.command for request in place.store.pending()] == ["pause"]
    assert place.memory.watch(10.0).state == "held"


def test_command__without_a_judge_is_done_at_once_and_may_be_repeated(place: CommandPlace) -> None:
    _at_10_percent(place)
    for command in ("abort", "abort"):
        assert main(["release", command]) == 0
        record = place.store.load()
        assert record is not None and record.state == "aborted"
    assert [event.state for event in record.history].count("aborted") == 1
    assert place.route.to(OLD) == 100.0


@pytest.mark.parametrize(("words", "reason"), [(["promote", "--reason", "now"], "bake"), (["resume"], "not held")])
def test_command__that_does_not_fit_is_refused_at_once(
    place: CommandPlace, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _at_10_percent(place)
    assert main(["release", *words]) == 1
    assert reason in capsys.readouterr().err
    assert place.store.pending() == []


def test_command__that_overrules_evidence_wants_a_reason(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("advance", "approve", "promote"):
        with pytest.raises(SystemExit):
            main(["release", command])
        assert "--reason" in capsys.readouterr().err


def test_status__exit_status_tells_scripts(place: CommandPlace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "status"]) == 1
    _at_10_percent(place)
    assert main(["release", "status"]) == 0
    assert "10 %" in capsys.readouterr().out
    for command, status in (("pause", 3), ("rollback", 4)):
        main(["release", command])
        assert main(["release", "status"]) == status


def test_plan__needs_no_release(place: CommandPlace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "plan"]) == 0
    assert "100 %" in capsys.readouterr().out
    assert main(["release", "plan", "--sessions-per-hour", "3"]) == 0
    assert "fewer steps" in capsys.readouterr().out


def test_report__writes_the_page(place: CommandPlace, tmp_path: Path) -> None:
    place.memory.visitors.failing = {NEW: 0.5}
    place.memory.begin(quick_policy())
    assert place.memory.auto().state == "rolled_back"
    assert main(["release", "report", "--out", str(tmp_path / "page")]) == 0
    assert "rolled back" in (tmp_path / "page" / "release.html").read_text().lower()


def test_auto_forever__gives_the_lease_back_between_releases_and_judges_the_next_one(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next release is begun while it waits: under its lease nobody could, and a second judge would be refused."""
    place.memory.visitors.failing = {NEW: 0.5}
    place.memory.begin(quick_policy())
    states: list[str] = []
    let_pass = place.memory.clock.wait

    def wait(seconds: float) -> None:
        record = place.store.load()
        assert record is not None
        if record.has_ended:
            states.append(f"{record.release_id == 'r1'} {record.state}")
            if record.release_id != "r1":
                raise world.Killed
            assert main(["release", "start", "--again", "--by", "ben"]) == 0
        let_pass(seconds)

    monkeypatch.setattr(place.memory.clock, "wait", wait)
    with pytest.raises(world.Killed):
        main(["release", "auto", "--forever", "--holder", "the Deployment"])
    assert states == ["True rolled_back", "False rolled_back"]


def test_auto_forever__holds_the_lease_while_a_release_goes_on(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.memory.begin(quick_policy())

    def second(seconds: float) -> None:
        assert main(["release", "auto", "--once"]) == 1
        raise world.Killed

    monkeypatch.setattr(place.memory.clock, "wait", second)
    with pytest.raises(world.Killed):
        main(["release", "auto", "--forever", "--holder", "the Deployment"])
    assert "the Deployment" in capsys.readouterr().err


def test_start__keeps_both_manifests_with_the_release(
    place: CommandPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where bundles are URIs to the judge, nobody else could tell it their classes."""
    made = [manifest(("a", "b"), version=version).sealed() for version in ("1", "2")]
    identities = []
    for one in made:
        (tmp_path / one.version).mkdir()
        (tmp_path / one.version / MANIFEST).write_text(one.model_dump_json())
        place_of_bundle = str(tmp_path / one.version)
        identities.append(
            BundleIdentity(version=one.version, manifest_sha256=one.manifest_sha256, place=place_of_bundle)
        )
    monkeypatch.setattr(place, "bundles", lambda options: tuple(identities))
    assert main(["release", "start"]) == 0
    record = place.store.load()
    assert record is not None
    folder = place.folder(record.release_id)
    assert [read_manifest(folder / arm) for arm in ("champion", "challenger")] == made
