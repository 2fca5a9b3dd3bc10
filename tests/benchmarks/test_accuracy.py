"""The table of accuracy: folds that share no source recording, jobs that can be killed, figures that can be trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

import benchmarks
from benchmarks.accuracy import jobs
from benchmarks.accuracy.__main__ import main
from benchmarks.accuracy.begun import take_up
from benchmarks.accuracy.folds import N_FOLDS, draw_folds, fold_recordings, read_reserve
from benchmarks.accuracy.jobs import Run, head_job, self_training_job, student_job
from benchmarks.accuracy.table import ENSEMBLE, summary
from benchmarks.accuracy.work import work
from silencio.config import resolve
from silencio.data.leaks import recording_fingerprints
from silencio.data.shards import ShardSet
from silencio.data.split import SplitConfig, source_groups
from silencio.errors import ConfigError
from silencio.training.checkpoint import TrainedHead
from tests.tiny_reserve import TINY, write_source
from tests.waiting import HANG_S

OVER = """
student: {kind: raw_cnn, epochs: 1, batch_size: 4, widths: [4, 8]}
self_training: {pool: hidden}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("reserve"), per_species=6)


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    config = resolve(TINY, over=OVER, overrides=["heads.effnet_lora=null", "heads.other={kind: raw_cnn, epochs: 1}"])
    return Run(data, tmp_path / "out", config)


def test_folds__no_source_recording_is_in_two(data: Path) -> None:
    recordings = read_reserve(data, 0, SplitConfig()).recordings
    # The same bytes under another name, and under another species.
    twice = recordings.iloc[[0, 7]].assign(recording_id=["copy/a.ogg", "copy/b.ogg"], primary_label="41970")
    # And the same sound in another file.
    again = recordings.iloc[[3]].assign(recording_id="again/c.ogg", sha256="other bytes")
    every = pd.concat([recordings, twice, again], ignore_index=True)
    every["group_id"] = source_groups(every, SplitConfig())
    every["fold"] = draw_folds(every, 0)
    assert (every.groupby("decoded_sha256")["fold"].nunique() == 1).all()
    assert set(every["fold"]) == set(range(N_FOLDS))
    for fold in range(N_FOLDS):
        assert (fold_recordings(every, fold).groupby("decoded_sha256")["split"].nunique() == 1).all()


def test_folds__every_recording_is_judged_once_and_never_chosen_by(data: Path) -> None:
    recordings = read_reserve(data, 0, SplitConfig()).recordings
    evaluated = []
    for fold in range(N_FOLDS):
        parts = fold_recordings(recordings, fold)
        assert {"train", "validation", "test"} == set(parts["split"])
        evaluated += list(parts.loc[parts["split"] == "test", "recording_id"])
    assert sorted(evaluated) == sorted(recordings["recording_id"])


def test_reserve__species_with_fewer_than_five_recordings_are_no_classes(tmp_path: Path) -> None:
    rare = write_source(tmp_path, per_species=5)
    table = pd.read_csv(rare / "train.csv", dtype=str)
    table.iloc[1:].to_csv(rare / "train.csv", index=False)
    reserve = read_reserve(rare, 0, SplitConfig())
    assert len(reserve.classes) == 3
    assert "grekis" not in set(reserve.recordings["primary_label"])


def test_jobs__a_resumed_fold_equals_an_uninterrupted_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Run(run.data, tmp_path / "whole", run.config)
    head_job(whole, 0, "raw_cnn")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    # Killed after training, before anything was kept; then started again over what lies there.
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_windows", killed)
        with pytest.raises(KeyboardInterrupt):
            head_job(run, 0, "raw_cnn")
    assert not run.kept(0, "raw_cnn").exists()
    head_job(run, 0, "raw_cnn")
    with np.load(run.kept(0, "raw_cnn")) as resumed, np.load(whole.kept(0, "raw_cnn")) as uninterrupted:
        np.testing.assert_array_equal(resumed["raw_cnn"], uninterrupted["raw_cnn"])


@pytest.mark.survival
def test_work__what_is_finished_is_not_computed_again(run: Run) -> None:
    work(run, [0], n_processes=2)
    kept = sorted(run.fold(0).glob("*.npz"))
    assert [path.stem for path in kept] == ["other", "raw_cnn", "references", "student"]
    before = [path.stat().st_mtime_ns for path in kept]
    work(run, [0], n_processes=2)
    assert [path.stat().st_mtime_ns for path in kept] == before
    facts = summary(run)
    assert facts["n_folds"] == 1
    n_evaluated = len(ShardSet([run.fold(0) / "shard"], run.config.features, "test"))
    assert facts["rows"][ENSEMBLE]["n_recordings"] == n_evaluated
    assert {"raw_cnn", "other", "student", ENSEMBLE} <= set(facts["rows"])
    assert facts["pairs"][f"{ENSEMBLE} - majority class"]["top1"][0] == pytest.approx(
        facts["rows"][ENSEMBLE]["top1"] - facts["rows"]["majority class"]["top1"]
    )
    # A row is of what it was evaluated on, a pair of what both were.
    head_job(run, 1, "raw_cnn")
    more = summary(run)
    assert more["rows"]["raw_cnn"]["n_recordings"] > n_evaluated
    assert more["rows"]["student"] == facts["rows"]["student"]
    assert more["pairs"] == facts["pairs"]


def test_student__hears_no_validation_or_judged_recording(run: Run) -> None:
    for name in run.config.heads:
        head_job(run, 0, name)
    student_job(run, 0, list(run.config.heads))
    used = set(TrainedHead.load(run.fold(0) / "student").trained_on)
    table = ShardSet([run.fold(0) / "shard"], run.config.features).table
    assert used == set(recording_fingerprints(table[table["split"] == "train"]))
    assert not used & set(recording_fingerprints(table[table["split"] != "train"]))


def test_self_training__hears_the_hidden_recordings_only_the_second_time(run: Run) -> None:
    self_training_job(run, 0, "raw_cnn")
    first, second = (
        set(TrainedHead.load(run.fold(0) / f"raw_cnn-{n}").trained_on) for n in ("without", "self-trained-1")
    )
    table = ShardSet([run.fold(0) / "hidden"], run.config.features).table
    assert 0 < (table["split"] == "pool").sum() < (table["split"] == "train").sum()
    assert first < second
    hidden = table[table["split"] == "pool"]
    assert not first & set(recording_fingerprints(hidden))
    assert (hidden["primary_label"] == "").all()
    # Every species keeps a label that can be learned.
    assert set(table.loc[table["split"] == "train", "primary_label"]) == set(run.reserve().classes.codes)


def test_run__taken_up_with_other_settings_or_recordings_is_refused(run: Run, tmp_path: Path) -> None:
    take_up(run)
    take_up(run)
    longer = resolve(run.config.to_yaml(), overrides=["heads.raw_cnn.epochs=7", "gates.slice_margin=0.5"])
    with pytest.raises(ConfigError, match=r"folds of another run: heads\.raw_cnn\.epochs \(2 then, 7 now\); give"):
        take_up(Run(run.data, run.out, longer))
    with pytest.raises(ConfigError, match="folds of another run: recordings"):
        take_up(Run(write_source(tmp_path / "other", per_species=5), run.out, run.config))


def test_command__says_what_is_wrong_in_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(data), "--out", str(tmp_path), "--set", "encoders.yamnet.weights=/nowhere/yamnet.tflite"]
    assert main(arguments) == 1
    assert "encoders.yamnet.weights='/nowhere/yamnet.tflite' is not a file" in capsys.readouterr().err


def test_work__its_processes_end_with_a_command_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    script.write_text(
        "import multiprocessing, os, signal\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from benchmarks.accuracy.job_process import begin\n"
        "if __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), begin) as pool:\n"
        "        print(pool.submit(os.getpid).result(), flush=True)\n"
        "        pool.submit(signal.pause).result()\n"
    )
    root = Path(benchmarks.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as command:
        assert command.stdout
        worker = psutil.Process(int(command.stdout.readline()))
        command.kill()
        assert not psutil.wait_procs([worker], timeout=HANG_S)[1]
