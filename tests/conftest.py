"""What tests of several rooms share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from silencio.config import RunConfig, resolve
from silencio.data.birdclef import read_birdclef
from silencio.data.shards import plan_shards, write_shard
from silencio.data.split import draw_split
from silencio.data.validate import validate_recordings
from silencio.taxonomy import ClassList
from tests.tiny_reserve import TINY, write_source


@dataclass(frozen=True)
class TinyData:
    """The made-up reserve, split and sharded."""

    root: Path
    config: RunConfig
    classes: ClassList
    recordings: pd.DataFrame
    development: list[Path]
    test: list[Path]


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("reserve"))


@pytest.fixture(scope="session")
def tiny_data(tiny_source: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyData:
    config = resolve(TINY)
    source = read_birdclef(tiny_source)
    usable = validate_recordings(source.recordings).usable
    split = draw_split(usable, config.split)
    recordings = usable.merge(split.assignment[["recording_id", "part"]], on="recording_id")
    shards: dict[str, list[Path]] = {"development": [], "test": []}
    for number, plan in enumerate(plan_shards(usable, split.assignment, config.seconds_per_shard)):
        directory = tmp_path_factory.mktemp("shards") / str(number)
        write_shard(recordings[recordings["recording_id"].isin(plan.recording_ids)], config.features, directory)
        shards[plan.part].append(directory)
    return TinyData(tiny_source, config, source.classes, recordings, shards["development"], shards["test"])
