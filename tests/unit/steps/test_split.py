"""split: from usable recordings to their splits and shards."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from silencio.config import RunConfig, resolve
from silencio.data.frames import read_frame
from silencio.data.recordings import write_recordings
from silencio.data.shards import plan_shards
from silencio.data.split import Split, check_disjoint
from silencio.data.validate import ValidatedRecordings
from silencio.errors import SplitError, StorageError
from silencio.steps import plan
from silencio.steps.split import Inputs, Outcome, Outputs, run
from silencio.storage import write_bytes
from tests.s3 import S3Server, running_s3

CONFIG = "heads: {raw_cnn: {}}\nsupervisor: {kind: weighted_average}\n"


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return resolve(CONFIG, overrides=["seconds_per_shard=10"])


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    return running_s3().use(monkeypatch)


def _divide(config: RunConfig, usable: pd.DataFrame, folder: Path, previous: str = "") -> Outcome:
    write_recordings(usable, folder / "usable")
    outputs = Outputs(folder / "assignment", folder / "split_history", folder / "report" / "page.html")
    return run(Inputs(config, folder / "usable", previous), outputs)


def _shards_of(split: str, folder: Path) -> list[int]:
    return plan.run(plan.Inputs(split, folder / "assignment"))


def test_split__writes_the_drawn_split_with_shards(
    config: RunConfig, validated: ValidatedRecordings, drawn: Split, tmp_path: Path
) -> None:
    _divide(config, validated.usable, tmp_path)
    assignment = read_frame(tmp_path / "assignment")
    pd.testing.assert_frame_equal(assignment.drop(columns="shard"), drawn.assignment)
    check_disjoint(assignment)
    for number, planned in enumerate(plan_shards(validated.usable, drawn.assignment, 10.0)):
        mine = assignment[assignment["shard"] == number]
        assert list(mine["recording_id"]) == planned.recording_ids
    assert assignment["shard"].notna().all()


def test_split__no_shard_mixes_test_with_the_rest(
    config: RunConfig, validated: ValidatedRecordings, tmp_path: Path
) -> None:
    _divide(config, validated.usable, tmp_path)
    development, test = (_shards_of(split, tmp_path) for split in ("development", "test"))
    assert len(development) > 1
    assert len(test) > 1
    assert not set(development) & set(test)
    assert sorted([*development, *test]) == list(range(len(development) + len(test)))


def test_split__counts(config: RunConfig, validated: ValidatedRecordings, tmp_path: Path) -> None:
    metrics = _divide(config, validated.usable, tmp_path).metrics
    assert metrics == {"train": 9, "validation": 5, "test": 5, "species_too_small": 0, "kept": 0}


def test_split__names_the_species_that_are_too_small(
    config: RunConfig, validated: ValidatedRecordings, tmp_path: Path
) -> None:
    few = validated.usable[
        ~validated.usable["recording_id"].isin(["41970/XC0.ogg", "41970/XC1.wav", "0126247/XC0.wav"])
    ]
    assert _divide(config, few, tmp_path).metrics["species_too_small"] == 2
    report = (tmp_path / "report" / "page.html").read_text()
    assert "Species too small for three splits" in report
    assert "41970" in report.partition("too small")[2]
    assert "train, test" in report


def test_split__names_none_where_none_is(config: RunConfig, validated: ValidatedRecordings, tmp_path: Path) -> None:
    _divide(config, validated.usable, tmp_path)
    report = (tmp_path / "report" / "page.html").read_text()
    assert "None." in report
    assert "<svg" in report


def test_split_sha256__is_the_splits_identity(
    config: RunConfig, validated: ValidatedRecordings, tmp_path: Path
) -> None:
    def identity(config: RunConfig, usable: pd.DataFrame) -> str:
        return _divide(config, usable, tmp_path).split_sha256

    first = identity(config, validated.usable)
    assert identity(config, validated.usable.sample(frac=1.0, random_state=0)) == first
    assert identity(config, validated.usable.assign(path="/elsewhere")) == first
    # Shards are how the work is cut, not what the split is.
    assert identity(resolve(config.to_yaml(), overrides=["seconds_per_shard=30"]), validated.usable) == first
    assert identity(resolve(config.to_yaml(), overrides=["split.seed=5"]), validated.usable) != first
    assert identity(config, validated.usable.iloc[1:]) != first


def test_split__hidden_recordings_are_training_recordings_to_the_next_run(
    config: RunConfig, validated: ValidatedRecordings, drawn: Split, tmp_path: Path
) -> None:
    hiding = resolve(config.to_yaml(), overrides=["self_training.pool=hidden", "self_training.hidden_share=0.5"])
    divided = _divide(hiding, validated.usable, tmp_path)
    assignment = read_frame(tmp_path / "assignment").set_index("recording_id")["split"]
    hidden = set(assignment[assignment == "pool"].index)
    before = drawn.assignment.set_index("recording_id")["split"]
    assert len(hidden) == divided.metrics["pool"] > 0
    assert set(before[sorted(hidden)]) == {"train"}
    assert (assignment.drop(sorted(hidden)) == before.drop(sorted(hidden))).all()
    history = read_frame(tmp_path / "split_history").set_index("recording_id")["split"]
    assert (history[before.index] == before).all()
    # They are development: no shard of the test set holds one.
    table = read_frame(tmp_path / "assignment")
    assert not set(table.loc[table["split"] == "pool", "shard"]) & set(_shards_of("test", tmp_path))


def test_split__too_little_to_divide_writes_nothing(
    config: RunConfig, validated: ValidatedRecordings, tmp_path: Path
) -> None:
    with pytest.raises(SplitError, match="at least one species needs three recordings"):
        _divide(config, validated.usable.head(2), tmp_path)
    assert not (tmp_path / "assignment").exists()


def test_split__a_split_that_leaks_is_not_written(
    config: RunConfig, validated: ValidatedRecordings, drawn: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaking = dataclasses.replace(drawn, assignment=drawn.assignment.assign(group_id="one group"))
    monkeypatch.setattr("silencio.steps.split.draw_split", lambda *_: leaking)
    with pytest.raises(SplitError, match="more than one split"):
        _divide(config, validated.usable, tmp_path)
    assert not (tmp_path / "assignment").exists()


@pytest.mark.parametrize("named", ["", "/split.parquet"], ids=["a bundle", "its split history"])
def test_previous__may_lie_in_s3(
    named: str, s3: S3Server, config: RunConfig, validated: ValidatedRecordings, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    _divide(config, validated.usable, tmp_path / "first")
    place = s3.new_place()
    write_bytes(f"{place}/split.parquet", (tmp_path / "first" / "split_history").read_bytes())
    other = resolve(config.to_yaml(), overrides=["split.seed=5"])
    assert _divide(other, validated.usable, tmp_path, place + named).metrics["kept"] == len(validated.usable)
    assert (
        read_frame(tmp_path / "assignment")["split"] == read_frame(tmp_path / "first" / "assignment")["split"]
    ).all()


def test_previous__in_s3_that_is_no_ledger_is_named(
    s3: S3Server, config: RunConfig, validated: ValidatedRecordings, tmp_path: Path
) -> None:
    place = s3.new_place()
    with pytest.raises(StorageError, match=f"{place}/split.parquet"):
        _divide(config, validated.usable, tmp_path, place)
    write_bytes(f"{place}/split.parquet", b"no table")
    with pytest.raises(SplitError, match=f"^{place}/split.parquet is no earlier assignment"):
        _divide(config, validated.usable, tmp_path, place)
