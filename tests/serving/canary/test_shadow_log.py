"""Evidence from the arms' prediction logs: whose answers count when, and what a log that is away takes away."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from serving.canary.clock import SystemClock, iso
from serving.canary.shadow_log import ShadowLog
from serving.canary.staging import COMPARISON, HttpStaging, keep_manifests
from silencio.bundle.manifest import MANIFEST, BundleManifest
from silencio.prediction_log import RecordingFacts, window_records
from silencio.prediction_log.rows import as_table
from silencio.release.comparison import compare_answers
from silencio.release.comparison_file import comparison_facts
from silencio.release.evidence import Evidence
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord
from silencio.release.rules import apply_rules
from silencio.storage import write_atomically
from tests.unit.release.made_answers import answers, manifest

BEGAN = datetime.now(UTC) - timedelta(minutes=10)
OLD = manifest(("a", "b", "gone"), version="1").sealed()
NEW = manifest(("a", "b"), version="2").sealed()
AGREE, DIFFER = [0.9, 0.1], [0.1, 0.9]


def write_rows(
    place: Path, at: datetime, bundle: BundleManifest, *requests: tuple[str, list[float]], **facts: Any
) -> None:
    """A file of the log: one window of each request."""
    rows = []
    for request_id, probabilities in requests:
        values = np.array([probabilities], np.float32)
        known = {"bundle_version": bundle.version, "shadow": False, **facts}
        one = RecordingFacts(request_id=request_id, received_at=at, bundle_name="b", spec_sha256="s", **known)
        rows += window_records(one, [0.0], 5.0, bundle.classes.codes, values, values >= 0.5, values < 0, {})
    folder = place / f"date={at:%Y-%m-%d}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(as_table(rows), folder / f"{uuid.uuid4().hex}.parquet")


def _pairs(place: Path, first: int, last: int, shadow: list[float]) -> None:
    names = [f"r{number}" for number in range(first, last)]
    write_rows(place, BEGAN + timedelta(minutes=1), OLD, *((name, [*AGREE, 0.0]) for name in names))
    facts = {"shadow": True, "release_id": "R"}
    write_rows(place, BEGAN + timedelta(minutes=1), NEW, *((name, shadow) for name in names), **facts)


def _record(tmp_path: Path, **changes: Any) -> ReleaseRecord:
    for name, one in (("old", OLD), ("new", NEW)):
        write_atomically(tmp_path / name / MANIFEST, one.model_dump_json())
    identities = [
        BundleIdentity(version=one.version, manifest_sha256=one.manifest_sha256, place=str(tmp_path / name))
        for name, one in (("old", OLD), ("new", NEW))
    ]
    return ReleaseRecord(
        release_id="R",
        champion=identities[0],
        challenger=identities[1],
        policy=ReleasePolicy.shipped().model_dump(mode="json"),
        began_at=iso(BEGAN.timestamp()),
        **changes,
    )


def _staging(tmp_path: Path, log: ShadowLog | None) -> HttpStaging:
    def nowhere() -> Any:
        raise AssertionError("evidence asks no server")

    return HttpStaging(
        endpoints=nowhere, recordings=[], folder=lambda release: tmp_path / "files", clock=SystemClock(), log=log
    )


def _log(*places: Path) -> ShadowLog:
    return ShadowLog(lambda: [str(one) for one in places])


def _verdicts(tmp_path: Path, staging: HttpStaging, **state: Any) -> dict[str, Any]:
    found = staging.evidence(_record(tmp_path, **state))
    evidence = Evidence(replay=found.replay, pairs=found.pairs, classes=found.classes)
    return {one.rule: one for one in apply_rules(ReleasePolicy.shipped(), evidence)}


AT_5 = {"state": "step", "step": 1, "share_percent": 5.0}


def _hand_in(tmp_path: Path, challenger: list[float]) -> None:
    champion = answers(OLD.classes.codes, **{f"c{i}": [[*AGREE, 0.0]] for i in range(30)})
    other = answers(NEW.classes.codes, **{f"c{i}": [challenger] for i in range(30)})
    compared = compare_answers(
        champion, other, (OLD, NEW), classes=_staging(tmp_path, None).evidence(_record(tmp_path)).classes
    )

    write_atomically(tmp_path / "files" / COMPARISON, json.dumps(comparison_facts(compared)))


def test_step__visitors_answers_of_both_arms_logs_are_the_evidence_and_grow_with_each_look(tmp_path: Path) -> None:
    staging = _staging(tmp_path, _log(tmp_path / "one", tmp_path / "other"))
    assert _verdicts(tmp_path, staging, **AT_5)["disagreement"].outcome == "no_data"
    write_rows(tmp_path / "one", BEGAN, OLD, ("r0", [*AGREE, 0.0]))
    write_rows(tmp_path / "other", BEGAN, NEW, ("r0", AGREE), shadow=True, release_id="R")
    assert _verdicts(tmp_path, staging, **AT_5)["disagreement"].n == 1
    _pairs(tmp_path / "one", 1, 20, AGREE)
    verdicts = _verdicts(tmp_path, staging, **AT_5)
    assert [(verdicts[rule].outcome, verdicts[rule].n) for rule in ("disagreement", "species", "confidence")] == [
        ("pass", 20)
    ] * 3


def test_step__a_challenger_that_answers_otherwise_is_held_though_it_agreed_on_labelled_recordings(
    tmp_path: Path,
) -> None:
    _hand_in(tmp_path, AGREE)
    _pairs(tmp_path / "log", 0, 10, DIFFER)
    staging = _staging(tmp_path, _log(tmp_path / "log"))
    before = _verdicts(tmp_path, staging, state="dark")["disagreement"]
    assert (before.outcome, before.n) == ("pass", 30)
    verdict = _verdicts(tmp_path, staging, **AT_5)["disagreement"]
    assert (verdict.outcome, verdict.consequence, verdict.n) == ("fail", "hold", 10)
    held = {**AT_5, "state": "held", "held_from": "step"}
    assert _verdicts(tmp_path, staging, **held)["disagreement"].n == 10, "held, visitors are still there"


def test_dark__without_a_comparison_shadows_are_the_evidence_before_any_visitor(tmp_path: Path) -> None:
    _pairs(tmp_path / "log", 0, 10, DIFFER)
    staging = _staging(tmp_path, _log(tmp_path / "log"))
    assert _verdicts(tmp_path, staging, state="dark")["disagreement"].outcome == "fail"


def test_step__without_a_log_the_comparison_stays_the_evidence(tmp_path: Path) -> None:
    assert _verdicts(tmp_path, _staging(tmp_path, None), **AT_5)["disagreement"].outcome == "no_data"
    _hand_in(tmp_path, AGREE)
    for log in (None, ShadowLog(lambda: [])):
        assert _verdicts(tmp_path, _staging(tmp_path, log), **AT_5)["disagreement"].n == 30


def test_evidence__what_was_answered_before_the_release_or_for_another_one_is_none(tmp_path: Path) -> None:
    place = tmp_path / "log"
    before = BEGAN - timedelta(seconds=1)
    write_rows(place, before, OLD, ("r0", [*AGREE, 0.0]))
    write_rows(place, before, NEW, ("r0", DIFFER), shadow=True, release_id="R")
    write_rows(place, BEGAN, OLD, ("r1", [*AGREE, 0.0]))
    write_rows(place, BEGAN, NEW, ("r1", DIFFER), shadow=True, release_id="earlier")
    assert _staging(tmp_path, _log(place)).evidence(_record(tmp_path, **AT_5)).pairs is None


def test_log__one_that_cannot_be_read_says_so_and_takes_nothing_away(tmp_path: Path) -> None:
    messages: list[str] = []
    place = tmp_path / "log"
    log = ShadowLog(lambda: [str(place)], messages.append)
    staging, record = _staging(tmp_path, log), _record(tmp_path, **AT_5)
    _pairs(place, 0, 3, AGREE)
    assert len(staging.evidence(record).pairs.disagreement) == 3  # type: ignore[union-attr]
    broken = place / f"date={BEGAN:%Y-%m-%d}" / "x.parquet"
    broken.write_bytes(b"half")
    assert len(staging.evidence(record).pairs.disagreement) == 3  # type: ignore[union-attr]
    assert len(messages) == 1 and "shadow traffic cannot be read" in messages[0]
    broken.unlink()
    _pairs(place, 3, 5, AGREE)
    assert len(staging.evidence(record).pairs.disagreement) == 5  # type: ignore[union-attr]


def test_classes__a_gone_species_that_the_log_has_is_missed(tmp_path: Path) -> None:
    """Without a comparison nobody else would say it."""
    staging = _staging(tmp_path, _log(tmp_path / "log"))
    write_rows(tmp_path / "log", BEGAN - timedelta(days=3), OLD, ("r0", [0.0, 0.0, 0.9]), ("r1", [0.0, 0.0, 0.9]))
    write_rows(tmp_path / "log", BEGAN - timedelta(days=31), OLD, ("r2", [0.0, 0.0, 0.9]))
    verdict = _verdicts(tmp_path, staging, state="dark")["classes"]
    assert verdict.outcome == "fail" and "gone 2" in verdict.message


def test_manifests__are_kept_with_the_release_where_its_bundles_are_uris(tmp_path: Path) -> None:
    record = _record(tmp_path, **AT_5)
    _pairs(tmp_path / "log", 0, 3, AGREE)
    identities = {
        arm: getattr(record, arm).model_copy(update={"place": f"s3://bucket/{arm}"})
        for arm in ("champion", "challenger")
    }
    served = record.model_copy(update=identities)
    staging = _staging(tmp_path, _log(tmp_path / "log"))
    assert staging.evidence(served).pairs is None
    keep_manifests(tmp_path / "files", tmp_path / "old", tmp_path / "new")
    assert len(staging.evidence(served).pairs.disagreement) == 3  # type: ignore[union-attr]
    assert list(staging.evidence(served).classes.gone) == ["gone"]


@pytest.mark.parametrize("arm", ["champion", "challenger"])
def test_manifests__of_a_folder_that_holds_another_bundle_by_now_are_not_believed(tmp_path: Path, arm: str) -> None:
    record = _record(tmp_path, **AT_5)
    _pairs(tmp_path / "log", 0, 3, AGREE)
    other = manifest(("a", "b", "c"), version="3").sealed()
    write_atomically(tmp_path / ("old" if arm == "champion" else "new") / MANIFEST, other.model_dump_json())
    assert _staging(tmp_path, _log(tmp_path / "log")).evidence(record).pairs is None
