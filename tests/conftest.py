"""What tests of several rooms share."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import time

# Before anything imports mlflow: no test writes to the database of this folder, or tells anyone that it ran.
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{tempfile.mkdtemp(prefix='silencio-mlflow-')}/mlflow.db"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeVar

import pytest
from filelock import FileLock

# Before a test loads OpenMP: it sets how threads wait.
import silencio  # noqa: F401
from tests.tiny_reserve import TINY, write_source

# What trains is imported by who trains: the process that hands tests out runs none, and most tests need no torch.
if TYPE_CHECKING:
    import pandas as pd

    from silencio.config import RunConfig
    from silencio.taxonomy import ClassList
    from silencio.training.calibrate import DecisionRule
    from silencio.training.checkpoint import TrainedHead
    from silencio.training.ensemble import FittedEnsemble

T = TypeVar("T")


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
        from silencio.export.bundle import Origin, export_bundle

        origin = Origin(
            data=data.recordings.drop(columns=["secondary_labels"]),
            split_history=data.recordings[["recording_id", "sha256", "primary_label", "split"]].assign(group_id="own"),
            licences={"CC BY 4.0": 20},
            parents={"data_fingerprint": "0" * 64, "code_version": "test"},
        )
        made = (heads or self.heads, self.ensemble, self.decision_rule, data.development, origin)
        export_bundle(*made, data.config, data.classes, directory)
        return directory


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing that is imported and collected is garbage: looking for some took a quarter of the time of collecting.

    Afterwards the collector need not walk through it for each test.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_finish() -> None:
    """A whole suite's S3 becomes ready while other tests run: that takes seconds in which it only waits."""
    if "PYTEST_XDIST_WORKER" in os.environ and "tests.s3" in sys.modules:
        from tests.s3 import started_s3

        started_s3()


def pytest_sessionfinish() -> None:
    """Hypothesis, where nothing else has, is imported at the very end, and looks who refers to what was collected."""
    gc.unfreeze()


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


@pytest.fixture(scope="module")
def caller_named_at_once() -> Iterator[None]:
    """Nine tenths of the time of a compilation under pytest, for tests that compile in this process.

    Each setter of a task asks for its caller's name by `inspect.stack()[1][3]`, which reads the source of every frame
    up to pytest's and looks through all modules for it.
    """
    from kfp.dsl import pipeline_task

    def stack() -> list[tuple[object, ...]]:
        frames = (sys._getframe(1), sys._getframe(2))
        return [(frame, frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) for frame in frames]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline_task, "inspect", SimpleNamespace(stack=stack))
        yield


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("reserve"))


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> TinyData:
    return _made_once("data", tmp_path_factory, _tiny_data)


@pytest.fixture(scope="session")
def tiny_ensemble(tiny_data: TinyData, tmp_path_factory: pytest.TempPathFactory) -> TinyEnsemble:
    return _made_once("ensemble", tmp_path_factory, lambda folder: _tiny_ensemble(tiny_data, folder))


@pytest.fixture(scope="session")
def tiny_bundle(tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _made_once("bundle", tmp_path_factory, lambda folder: tiny_ensemble.export(tiny_data, folder / "bundle"))


def _made_once(name: str, tmp_path_factory: pytest.TempPathFactory, make: Callable[[Path], T]) -> T:
    """What is made by the first worker that needs it, in a folder of its own, and read by the others."""
    session = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        session = session.parent
    kept = session / f"tiny-{name}.pickle"
    with FileLock(session / f"tiny-{name}.lock"):
        if not kept.exists():
            folder = session / f"tiny-{name}"
            folder.mkdir()
            kept.write_bytes(pickle.dumps(make(folder)))
    made: T = pickle.loads(kept.read_bytes())
    return made


def _tiny_data(folder: Path) -> TinyData:
    from silencio.config import resolve
    from silencio.data.birdclef import read_birdclef
    from silencio.data.shards import plan_shards, write_shard
    from silencio.data.split import draw_split
    from silencio.data.validate import validate_recordings

    config = resolve(TINY)
    root = write_source(folder / "reserve")
    source = read_birdclef(root)
    usable = validate_recordings(source.recordings).usable
    split = draw_split(usable, config.split)
    recordings = usable.merge(split.assignment[["recording_id", "split"]], on="recording_id")
    shards: dict[str, list[Path]] = {"development": [], "test": []}
    for number, plan in enumerate(plan_shards(usable, split.assignment, config.seconds_per_shard)):
        directory = folder / "shards" / str(number)
        write_shard(recordings[recordings["recording_id"].isin(plan.recording_ids)], config.features, directory)
        shards[plan.split].append(directory)
    return TinyData(root, config, source.classes, recordings, shards["development"], shards["test"])


def _tiny_ensemble(data: TinyData, folder: Path) -> TinyEnsemble:
    from silencio.training.calibrate import calibrate_ensemble
    from silencio.training.checkpoint import TrainedHead
    from silencio.training.ensemble import fit_ensemble
    from silencio.training.fit import fit_head

    heads = []
    for name in data.config.heads:
        fit_head(name, data.config, data.development, data.classes, folder / name)
        heads.append(TrainedHead.load(folder / name))
    ensemble = fit_ensemble(heads, data.recordings, data.config, data.classes)
    return TinyEnsemble(heads, ensemble, calibrate_ensemble(ensemble, data.recordings, data.config, data.classes))
