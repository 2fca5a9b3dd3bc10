"""pool_unlabelled: soundscapes beside labelled recordings, for featurize alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from silencio.config import RunConfig, resolve
from silencio.data.backgrounds import half_of
from silencio.data.frames import read_frame
from silencio.data.recordings import soundscape_table, write_recordings, write_table
from silencio.data.shards import ShardSet
from silencio.data.unlabelled_pool import POOL
from silencio.data.validate import ValidatedRecordings
from silencio.steps import featurize, plan, split
from silencio.steps.pool_unlabelled import Inputs, Outputs, run

CONFIG = "heads: {raw_cnn: {}}\nsupervisor: {kind: weighted_average}\nself_training: {pool: soundscapes}\n"


def _soundscapes(folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"H{number:02d}.wav" for number in range(8)]
    for number, path in enumerate(paths):
        noise = 0.1 * np.random.default_rng(number).standard_normal(6 * 16000)
        soundfile.write(path, noise.astype(np.float32), 16000)
    return paths


def _split(config: RunConfig, validated: ValidatedRecordings, folder: Path) -> None:
    write_recordings(validated.usable, folder / "usable")
    outputs = split.Outputs(*(folder / name for name in ("assignment", "split_history", "page.html")))
    split.run(split.Inputs(config, folder / "usable"), outputs)


def _shards_of(split_name: str, assignment: Path) -> list[int]:
    return plan.run(plan.Inputs(split_name, assignment))


def test_pool_unlabelled__soundscapes_are_featurized_as_a_part_of_their_own(
    validated: ValidatedRecordings, tmp_path: Path
) -> None:
    config = resolve(CONFIG, overrides=["seconds_per_shard=12"])
    paths = _soundscapes(tmp_path / "soundscapes")
    of_training = {f"soundscapes/{path.name}" for path in paths if half_of(path.name) == "train"}
    _split(config, validated, tmp_path)
    write_table(soundscape_table([str(path) for path in paths]), tmp_path / "soundscape-table")
    inputs = Inputs(config, *(tmp_path / name for name in ("usable", "assignment", "soundscape-table")))
    outcome = run(inputs, Outputs(tmp_path / "recordings", tmp_path / "extended"))
    assert outcome.metrics[POOL] == len(of_training)
    assert len(outcome.pool_sha256) == 64
    before, after = (read_frame(tmp_path / name) for name in ("assignment", "extended"))
    # What was planned before is planned as before: test shards are cut from the table without soundscapes.
    pd.testing.assert_frame_equal(after.iloc[: len(before)], before, check_dtype=False)
    new = set(_shards_of("development", tmp_path / "extended")) - set(before["shard"])
    assert _shards_of("test", tmp_path / "extended") == _shards_of("test", tmp_path / "assignment")
    for shard in new:
        made = featurize.Inputs(config, shard, tmp_path / "recordings", tmp_path / "extended")
        featurize.run(made, featurize.Outputs(tmp_path / f"shard {shard}"))
    table = ShardSet([tmp_path / f"shard {shard}" for shard in new], config.features).table
    assert set(table["recording_id"]) == of_training
    assert set(table["split"]) == {POOL}
    assert set(table["primary_label"]) == {""}
