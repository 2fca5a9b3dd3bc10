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
from silencio.steps.featurize import featurize_shard
from silencio.steps.plan import shards_of
from silencio.steps.pool_unlabelled import pool_soundscapes
from silencio.steps.split import divide_recordings

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
    names = (str(folder / name) for name in ("assignment", "ledger", "page.html"))
    divide_recordings(config, str(folder / "usable"), "", *names)


def test_pool__soundscapes_are_featurized_as_a_part_of_their_own(
    validated: ValidatedRecordings, tmp_path: Path
) -> None:
    config = resolve(CONFIG, overrides=["seconds_per_shard=12"])
    paths = _soundscapes(tmp_path / "soundscapes")
    heard = {f"soundscapes/{path.name}" for path in paths if half_of(path.name) == "train"}
    _split(config, validated, tmp_path)
    write_table(soundscape_table([str(path) for path in paths]), tmp_path / "soundscape-table")
    names = ("usable", "assignment", "soundscape-table", "recordings", "extended")
    figures, identity = pool_soundscapes(config, *(str(tmp_path / name) for name in names))
    assert figures[POOL] == len(heard)
    assert len(identity) == 64
    before, after = (read_frame(tmp_path / name) for name in ("assignment", "extended"))
    # What was planned before is planned as before: test shards are cut from the table without soundscapes.
    pd.testing.assert_frame_equal(after.iloc[: len(before)], before, check_dtype=False)
    new = set(shards_of("development", str(tmp_path / "extended"))) - set(before["shard"])
    assert shards_of("test", str(tmp_path / "extended")) == shards_of("test", str(tmp_path / "assignment"))
    for shard in new:
        made = str(tmp_path / "recordings"), str(tmp_path / "extended"), str(tmp_path / f"shard {shard}")
        featurize_shard(config, shard, *made)
    table = ShardSet([tmp_path / f"shard {shard}" for shard in new], config.features).table
    assert set(table["recording_id"]) == heard
    assert set(table["split"]) == {POOL}
    assert set(table["primary_label"]) == {""}
