"""What tests of several rooms share."""

from __future__ import annotations

import os
import shutil
import tempfile
import time

# Before anything imports mlflow: no test writes to the database of this folder, or tells anyone that it ran.
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{tempfile.mkdtemp(prefix='silencio-mlflow-')}/mlflow.db"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from silencio.config import RunConfig, resolve
from silencio.data.birdclef import read_birdclef
from silencio.data.shards import plan_shards, write_shard
from silencio.data.split import draw_split
from silencio.data.validate import validate_recordings
from silencio.export.bundle import Origin, export_bundle
from silencio.taxonomy import ClassList
from silencio.training.calibrate import DecisionRule, calibrate_ensemble
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import FittedEnsemble, fit_ensemble
from silencio.training.fit import fit_head
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


@dataclass(frozen=True)
class TinyEnsemble:
    """Heads that were trained on the made-up reserve, fused and calibrated."""

    heads: list[TrainedHead]
    ensemble: FittedEnsemble
    decision_rule: DecisionRule

    def export(self, data: TinyData, directory: Path, heads: list[TrainedHead] | None = None) -> Path:
        """The candidate bundle, or what other heads make of it."""
        origin = Origin(
            data=data.recordings.drop(columns=["secondary_labels"]),
            split_history=data.recordings[["recording_id", "sha256", "primary_label", "split"]].assign(group_id="own"),
            licences={"CC BY 4.0": 20},
            parents={"data_fingerprint": "0" * 64, "code_version": "test"},
        )
        made = (heads or self.heads, self.ensemble, self.decision_rule, data.development, origin)
        export_bundle(*made, data.config, data.classes, directory)
        return directory


def pytest_unconfigure() -> None:
    """Take the database of this session away."""
    folder = os.environ["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///").removesuffix("/mlflow.db")
    shutil.rmtree(folder, ignore_errors=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test's name holds no bytes: a WAV holds the second it was written in, and two workers then disagree."""
    return f"{argname}-of-{len(val)}" if isinstance(val, bytes) else None


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that code takes by `time.sleep`, in seconds, which are not taken: patience is counted, not waited."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("reserve"))


@pytest.fixture(scope="session")
def tiny_data(tiny_source: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyData:
    config = resolve(TINY)
    source = read_birdclef(tiny_source)
    usable = validate_recordings(source.recordings).usable
    split = draw_split(usable, config.split)
    recordings = usable.merge(split.assignment[["recording_id", "split"]], on="recording_id")
    shards: dict[str, list[Path]] = {"development": [], "test": []}
    for number, plan in enumerate(plan_shards(usable, split.assignment, config.seconds_per_shard)):
        directory = tmp_path_factory.mktemp("shards") / str(number)
        write_shard(recordings[recordings["recording_id"].isin(plan.recording_ids)], config.features, directory)
        shards[plan.split].append(directory)
    return TinyData(tiny_source, config, source.classes, recordings, shards["development"], shards["test"])


@pytest.fixture(scope="session")
def tiny_ensemble(tiny_data: TinyData, tmp_path_factory: pytest.TempPathFactory) -> TinyEnsemble:
    heads = []
    for name in tiny_data.config.heads:
        directory = tmp_path_factory.mktemp("heads") / name
        fit_head(name, tiny_data.config, tiny_data.development, tiny_data.classes, directory)
        heads.append(TrainedHead.load(directory))
    ensemble = fit_ensemble(heads, tiny_data.recordings, tiny_data.config, tiny_data.classes)
    decision_rule = calibrate_ensemble(ensemble, tiny_data.recordings, tiny_data.config, tiny_data.classes)
    return TinyEnsemble(heads, ensemble, decision_rule)


@pytest.fixture(scope="session")
def tiny_bundle(tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_ensemble.export(tiny_data, tmp_path_factory.mktemp("tiny") / "bundle")
