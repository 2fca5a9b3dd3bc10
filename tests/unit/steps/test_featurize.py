"""featurize: one planned shard's recordings become waveforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from silencio.config import RunConfig, resolve
from silencio.data.frames import read_frame
from silencio.data.recordings import write_recordings
from silencio.data.shards import ShardSet
from silencio.data.validate import ValidatedRecordings
from silencio.errors import DataError
from silencio.features import FrontEnd
from silencio.steps import featurize, plan, split

CONFIG = "heads: {raw_cnn: {}}\nsupervisor: {kind: weighted_average}\n"


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return resolve(CONFIG, overrides=["seconds_per_shard=15", "features.window_s=4", "features.hop_s=4"])


@pytest.fixture(scope="module")
def run(config: RunConfig, validated: ValidatedRecordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `usable`, `assignment` and a folder for each shard, as the steps before have written it."""
    folder = tmp_path_factory.mktemp("run")
    write_recordings(validated.usable, folder / "usable")
    _split(config, folder)
    for shard in read_frame(folder / "assignment")["shard"].unique():
        _featurize(config, folder, int(shard), f"shard {shard}")
    return folder


def _split(config: RunConfig, folder: Path) -> None:
    outputs = split.Outputs(*(folder / name for name in ("assignment", "split_history", "report.html")))
    split.run(split.Inputs(config, folder / "usable"), outputs)


def _featurize(config: RunConfig, folder: Path, shard: int, name: str) -> None:
    inputs = featurize.Inputs(config, shard, folder / "usable", folder / "assignment")
    featurize.run(inputs, featurize.Outputs(folder / name))


def test_featurize__writes_its_own_recordings(config: RunConfig, run: Path) -> None:
    assignment = read_frame(run / "assignment")
    for shard, mine in assignment.groupby("shard"):
        table = ShardSet([run / f"shard {shard}"], config.features).table
        assert list(table["recording_id"]) == list(mine["recording_id"])
        assert list(table["split"]) == list(mine["split"])
        assert list(table["primary_label"]) == list(mine["primary_label"])


def test_featurize__follows_the_configurations_spec(config: RunConfig, run: Path) -> None:
    front_end = FrontEnd(config.features)
    shards = ShardSet([run / "shard 0"], config.features)
    for index, waveform in enumerate(shards):
        np.testing.assert_array_equal(waveform, front_end.waveform(Path(shards.table["path"][index])))
    with pytest.raises(DataError, match="feature spec"):
        ShardSet([run / "shard 0"], resolve(CONFIG).features)


def test_featurize__all_shards_together_hold_every_recording_once(
    config: RunConfig, run: Path, validated: ValidatedRecordings
) -> None:
    names = []
    for name in ("development", "test"):
        shards = plan.run(plan.Inputs(name, run / "assignment"))
        folders = [run / f"shard {shard}" for shard in shards]
        table = ShardSet(folders, config.features).table
        assert ((table["split"] == "test") == (name == "test")).all()
        names += list(table["recording_id"])
    assert sorted(names) == list(validated.usable["recording_id"])


def test_featurize__keeps_secondary_labels(config: RunConfig, run: Path, validated: ValidatedRecordings) -> None:
    folders = [run / f"shard {shard}" for shard in read_frame(run / "assignment")["shard"].unique()]
    table = ShardSet(folders, config.features).table
    assert [list(labels) for labels in table["secondary_labels"]] == list(validated.usable["secondary_labels"])


def test_featurize__twice_gives_the_same_bytes(config: RunConfig, run: Path) -> None:
    _featurize(config, run, 0, "again")
    for name in ("waveforms.i16", "shard.json", "recordings.parquet"):
        assert (run / "again" / name).read_bytes() == (run / "shard 0" / name).read_bytes()


def test_featurize__hidden_labels_are_in_no_shard(validated: ValidatedRecordings, tmp_path: Path) -> None:
    config = resolve(CONFIG, overrides=["self_training.pool=hidden", "self_training.hidden_share=0.5"])
    write_recordings(validated.usable, tmp_path / "usable")
    _split(config, tmp_path)
    _featurize(config, tmp_path, 0, "shard")
    table = ShardSet([tmp_path / "shard"], config.features).table
    hidden = table[table["split"] == "pool"]
    assert len(hidden)
    assert set(hidden["primary_label"]) == {""}
    assert not any(len(labels) for labels in hidden["secondary_labels"])
    assert (table.loc[table["split"] != "pool", "primary_label"] != "").all()
