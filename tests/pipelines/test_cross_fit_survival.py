"""`train` with `cross_fit`, killed with -9 in each fold of a head: what was finished is kept."""

from __future__ import annotations

import pytest

from silencio.bundle import Bundle
from tests.pipelines.killed_train import BEGAN, Train

pytestmark = [pytest.mark.survival, pytest.mark.timeout(8 * 3600)]

OPTIONS = ("--set", "split.scheme=cross_fit", "--set", "split.n_folds=2")
OF_A_HEAD = {"train-raw-cnn", "train-raw-cnn-fold-1", "train-raw-cnn-fold-2", "join-raw-cnn"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Train:
    run = Train(tmp_path_factory.mktemp("folds"), "whole", *OPTIONS)
    run.finish()
    return run


def test_cross_fit__killed_in_every_fold_ends_in_the_same_bundle(whole: Train) -> None:
    steps = {match[1] for match in BEGAN.finditer(whole.printed)}
    assert {name for name in steps if "raw-cnn" in name} == OF_A_HEAD
    killed = Train(whole.out.parent, "killed", *OPTIONS)
    known = steps - OF_A_HEAD
    while step := killed.kill_in_a_new_step(known, at_work=len(known) % 2 == 0, group=len(known) % 3 == 0):
        known.add(step)
    assert known == steps
    assert killed.processes_end()
    assert killed.files == whole.files
    manifest = Bundle(killed.out / "bundle").manifest
    assert (manifest.n_folds, manifest.metrics["test"]["n_recordings"]) == (2, 20)


def test_cross_fit__of_another_head_leaves_the_folds_of_the_first(whole: Train) -> None:
    again = Train(whole.out.parent, "whole", *OPTIONS, "--set", "heads.other_cnn.epochs=2")
    lines = [line.partition("] ")[2] for line in again.finish().splitlines() if line.startswith("[")]
    taken_up = {line.partition(":")[0] for line in lines if ": taken up, done " in line}
    assert taken_up >= OF_A_HEAD
    others = {name.replace("raw", "other") for name in OF_A_HEAD}
    assert not others & taken_up
    assert {line.partition(":")[0] for line in lines} >= others
