"""The whole graph with self-training on hidden labels and a student, on made-up animals, by kfp.local."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.train_run import PUBLISHED, PUBLISHED_OF_BOTH
from silencio.bundle import Bundle
from silencio.data.frames import read_frame
from tests.tiny_reserve import TINY, write_source

# Minutes: a graph of 25 steps, twice.
pytestmark = pytest.mark.survival

ROOT = Path(__file__).parents[2]
# A head that is trained in a moment: what is looked at is the path.
DISTILLED = """
heads: {effnet_lora: null, raw_cnn: {epochs: 1}}
student: {kind: raw_cnn, epochs: 1, batch_size: 4, widths: [4, 8]}
self_training: {pool: hidden, hidden_share: 0.4, min_probability: 0.0}
"""

Finished = tuple[subprocess.CompletedProcess[str], Path, list[str]]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("taught")
    write_source(folder / "source")
    from silencio.config import resolve

    (folder / "tiny.yaml").write_text(resolve(TINY, over=DISTILLED).to_yaml() + "\n")
    options = ["--data", str(folder / "source"), "--preset", "demo", "--out", str(folder / "out")]
    heads = ["--set", "heads.effnet_lora=null", "--set", "heads.texture=null"]
    return [sys.executable, "-m", "silencio", "run", "train", *options, "--config", str(folder / "tiny.yaml"), *heads]


@pytest.fixture(scope="module")
def finished(command: list[str]) -> Finished:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "COLUMNS": "160"}
    )
    steps = [line.split("] ")[1].split(":")[0] for line in done.stdout.splitlines() if line.startswith("[")]
    return done, Path(command[command.index("--out") + 1]), steps


def test_run__ends_with_two_verified_bundles(finished: Finished) -> None:
    done, out, _ = finished
    assert done.returncode == 0, done.stderr + done.stdout
    student, ensemble = (Bundle(out / name) for name in ("bundle", "other-bundle"))
    for bundle in (student, ensemble):
        bundle.verify()
        assert "passed" in bundle.manifest.verdict
    assert [head.name for head in student.manifest.heads] == ["student"]
    assert [head.name for head in ensemble.manifest.heads] == ["raw_cnn"]
    assert student.manifest.version != ensemble.manifest.version


def test_run__one_table_holds_both(finished: Finished) -> None:
    out = finished[1]
    rows = {row["name"]: row for row in json.loads((out / "bundles.json").read_text())["bundles"]}
    assert {name: row["released"] for name, row in rows.items()} == {"ensemble": False, "student": True}
    assert rows["student"]["version"] == Bundle(out / "bundle").manifest.version
    evaluation = json.loads((out / "evaluation.json").read_text())
    assert evaluation["bundle_row"] == "student"
    for name, row in rows.items():
        assert row["top1"] == evaluation["rows"][name]["top1"]
        assert row["test_set"] == evaluation["test_set"]
    assert all(row["times_real_time"] > 0 for row in rows.values())
    assert rows["student"]["version"] in (out / "bundles.html").read_text()


def test_run__each_bundle_is_called_what_it_is_everywhere(finished: Finished) -> None:
    done, out, _ = finished
    names = ("this bundle (student)", "its teacher (raw_cnn alone)", "head raw_cnn of its teacher")
    for text in (done.stdout, (out / "report.html").read_text(), (out / "bundle" / "MODEL_CARD.md").read_text()):
        for name in names:
            assert name in text
        assert "head student" not in text
    for text in ((out / "other-report.html").read_text(), (out / "other-bundle" / "MODEL_CARD.md").read_text()):
        assert "this bundle (raw_cnn alone)" in text


def test_run__the_terminal_names_everything_that_it_leaves(finished: Finished) -> None:
    done, out, _ = finished
    for place in (PUBLISHED | PUBLISHED_OF_BOTH).values():
        assert (out / place).exists()
        assert f": {out / place}\n" in done.stdout


def test_run__heads_are_trained_twice_and_the_student_last(finished: Finished) -> None:
    steps = finished[2]
    order = [
        "train-raw-cnn-first",
        "fit-ensemble-first",
        "pseudo-label-first",
        "distill-raw-cnn",
        "fit-ensemble",
        "pseudo-label",
        "distill-student",
    ]
    assert [step for step in steps if step in order] == order


def test_run__hidden_recordings_are_training_recordings_to_the_next_run(finished: Finished) -> None:
    bundle = finished[1] / "bundle"
    data, ledger = (read_frame(bundle / name) for name in ("data.parquet", "split.parquet"))
    hidden = set(data.loc[data["split"] == "pool", "recording_id"])
    # One of the three training recordings of each of four species.
    assert len(hidden) == 4
    assert set(ledger.loc[ledger["recording_id"].isin(hidden), "split"]) == {"train"}


def test_run__started_again_takes_up_every_step_that_may_be(command: list[str], finished: Finished) -> None:
    bundle = (finished[1] / "bundle" / "bundle.json").read_bytes()
    again = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "COLUMNS": "160"}
    )
    assert again.returncode == 0, again.stderr + again.stdout
    shown = [line.split("] ")[1] for line in again.stdout.splitlines() if line.startswith("[")]
    ran = {step for step in shown if ": taken up" not in step}
    # What speaks with MLflow is asked each time, and so is whether the recordings are what they were.
    each_time = {"open-run", "configure", "fetch-champion", "inputs-version"}
    assert ran == each_time | {"record", "record-heads-first", "record-heads-student", "register"}
    assert (finished[1] / "bundle" / "bundle.json").read_bytes() == bundle
