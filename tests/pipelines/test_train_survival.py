"""`train` killed with -9 at every step of its graph, and disturbed in other ways: `pytest -m survival` (minutes).

One chain: each start takes up what the ones before finished, and is killed in the first step that none was killed in.
Every second kill comes as the step begins, the others when the step's own code runs; every second pair is of the run's
whole process group, the others of the run alone. Which steps there are, an uninterrupted run shows.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from silencio.__main__ import main
from silencio.bundle import Bundle
from tests.pipelines.killed_train import BEGAN, Train
from tests.tiny_reserve import TINY_DEMO
from tests.waiting import HANG_S, until

# An hour on two cores that do nothing else.
pytestmark = [pytest.mark.survival, pytest.mark.timeout(8 * 3600)]

_TAKEN_UP = ": taken up, done "


@dataclass
class Chain:
    """A run that nothing disturbed, and one that was killed in each of its steps before it ended."""

    whole: Train
    killed: Train
    steps: set[str]
    outcome: dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp("chain")
    whole = Train(folder, "whole")
    steps = {match[1] for match in BEGAN.finditer(whole.finish())}
    killed = Train(folder, "killed")
    outcome: dict[str, dict[str, object]] = {}
    while True:
        number = len(outcome)
        at_work, group = bool(number % 2), bool(number // 2 % 2)
        step = killed.kill_in_a_new_step(set(outcome), at_work=at_work, group=group)
        if not step:
            return Chain(whole, killed, steps, outcome)
        outcome[step] = {
            "killed": f"{'process group' if group else 'run'}, step {'at work' if at_work else 'beginning'}",
            "taken_up_before": killed.printed.count(_TAKEN_UP),
        }
        assert killed.processes_end()
        assert not (killed.out / "bundle").exists()


def test_kill_at_every_step__and_the_same_bundle_in_the_end(chain: Chain) -> None:
    whole, killed = chain.whole, chain.killed
    assert len(chain.steps) >= 12
    print(json.dumps(chain.outcome, indent=1))
    assert set(chain.outcome) == chain.steps
    assert killed.files == whole.files
    Bundle(killed.out / "bundle").verify()
    again = killed.finish()
    assert killed.files == whole.files
    # Those that run again are the steps that the graph wants no caching for: they ask the tracking server, or look at
    # settings, recordings and the champion.
    assert len(BEGAN.findall(again)) <= 5 < again.count(_TAKEN_UP)


def _ran(printed: str) -> list[str]:
    """Steps that were not taken up; the line of one that runs again says why."""
    began = [line.split("] ")[1] for line in printed.splitlines() if line.startswith("[")]
    return [name.split(":")[0] for name in began if _TAKEN_UP not in name]


def test_changed_gate__runs_apply_gates_and_register_alone_as_planned(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = chain.whole
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", train.environment["MLFLOW_TRACKING_URI"])
    change = ["--set", "gates.champion_margin=0.05"]
    assert main(["plan", "train", *train.options, *change]) == 0
    plan = capsys.readouterr().out
    assert "gates.champion_margin is 0.05" in plan
    rows = [[cell.strip() for cell in line.split("│")[1:3]] for line in plan.splitlines() if "│" in line]
    assert train.start(*change).wait(HANG_S) == 0, train.printed
    ran = _ran(train.printed)
    # Steps that wait for the same one stand in any order.
    assert sorted(ran) == sorted(step for step, what in rows if what == "runs")
    assert set(ran) == {"open-run", "configure", "fetch-champion", "inputs-version", "apply-gates", "register"}
    # The bundle is the same with another verdict.
    assert "apply-gates: gates.champion_margin is 0.05" in train.printed
    Bundle(train.out / "bundle").verify()


def test_recording_that_vanishes_during_the_run__is_named_and_the_run_goes_on_when_it_is_back(tmp_path: Path) -> None:
    train = Train(tmp_path, "vanished")
    process = train.start()
    until(lambda: "] split" in train.printed or process.poll() is not None)
    assert process.poll() is None, train.printed
    audio = tmp_path / "source" / "train_audio" / "grekis" / "grekis_1.ogg"
    audio.rename(tmp_path / "elsewhere.ogg")
    assert process.wait(HANG_S) == 1
    assert re.match(
        r"error: step featurize-\w+ failed: .*grekis_1.ogg was there when validate opened it",
        train.printed.splitlines()[-1],
    )
    assert not (train.out / "bundle").exists()
    (tmp_path / "elsewhere.ogg").rename(audio)
    # The same bytes with the same time of change under the same name: nothing was changed.
    assert f"validate{_TAKEN_UP}" in train.finish()


def test_tracking_server_that_does_not_answer__is_known_before_any_work(tmp_path: Path) -> None:
    train = Train(tmp_path, "untracked")
    train.environment["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"
    last = train.failure()
    assert last.startswith("error: step open-run failed: the MLflow server http://127.0.0.1:9 does not answer")
    assert "] ingest" not in train.printed


def test_s3_that_does_not_answer__is_one_sentence(tmp_path: Path) -> None:
    train = Train(tmp_path, "unstored")
    train.environment |= {"SILENCIO_S3_ENDPOINT": "http://127.0.0.1:9"}
    last = train.failure("--data", "s3://recordings/2026")
    assert last.startswith("error: step inputs-version failed: ") and "127.0.0.1:9" in last


def test_table_without_a_column__is_one_sentence(tmp_path: Path) -> None:
    train = Train(tmp_path, "column")
    table = tmp_path / "source" / "train.csv"
    table.write_text(table.read_text().replace("primary_label", "label", 1))
    last = train.failure()
    assert last.startswith("error: step ingest failed: ") and "primary_label" in last and "train.csv" in last


def test_wrong_value__names_column_and_row_and_shows_where(tmp_path: Path) -> None:
    train = Train(tmp_path, "value")
    table = tmp_path / "source" / "train.csv"
    table.write_text(table.read_text().replace("grekis,[],grekis/grekis_2", "grekis,[oops,grekis/grekis_2"))
    assert train.failure().startswith("error: step ingest failed: ")
    assert "column 'secondary_labels', row 4: '[oops'" in train.printed
    assert "Traceback (most recent call last):" in train.printed
    assert not (train.out / "bundle").exists()


def test_full_disk__is_one_sentence_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    train = Train(tmp_path, "full")
    (tmp_path / "tiny.yaml").write_text(TINY_DEMO)  # with a head of which the weights alone are larger than the disk
    train.out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8M", "tmpfs", str(train.out)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        assert re.match(r"error: step train-\S+ failed: .*no space left on ", train.failure())
        assert not (train.out / "bundle").exists()
        subprocess.run(["mount", "-o", "remount,size=500M", str(train.out)], check=True)
        assert train.finish().count(_TAKEN_UP) >= 3
        Bundle(train.out / "bundle").verify()
    finally:
        subprocess.run(["umount", str(train.out)], check=True)
