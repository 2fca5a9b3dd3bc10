"""The very graph that is compiled, on made-up animals, by kfp.local."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.local.identity import local_image
from pipelines.train_run import code_version
from silencio.__main__ import main
from silencio.bundle import Bundle
from silencio.provenance import what_runs
from tests.tiny_reserve import TWO_SMALL_HEADS, write_source

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "silencio", "run", "train", *arguments]
    return subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "COLUMNS": "160"}
    )


@pytest.fixture(scope="module")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(TWO_SMALL_HEADS)
    return path


@pytest.fixture(scope="module")
def runs_here() -> dict[str, str]:
    """Before the run: somebody may commit while it is at work."""
    return {"code_version": code_version() or what_runs()["code_version"], "image": local_image()}


@pytest.fixture(scope="module")
def finished(
    tiny_config: Path, runs_here: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    source = write_source(tmp_path_factory.mktemp("source"))
    (source / "train_audio" / "grekis" / "grekis_0.ogg").write_bytes(b"")
    (source / "train_audio" / "41970" / "41970_1.ogg").unlink()
    out = tmp_path_factory.mktemp("run")
    options = ["--data", str(source), "--preset", "demo", "--config", str(tiny_config), "--out", str(out)]
    return run(*options, "--set", "heads.raw_cnn.epochs=3"), out


def test_run__ends_with_results_and_a_verified_bundle(finished) -> None:
    done, out = finished
    assert done.returncode == 0, done.stderr + done.stdout
    for row in ("this bundle (", "other_cnn", "raw_cnn", "logistic regression on mean log-mel", "majority class"):
        assert row in done.stdout
    Bundle(out / "bundle").verify()


def test_run__ends_with_a_verdict_everywhere(finished) -> None:
    done, out = finished
    verdict = json.loads((out / "verdict.json").read_text())
    manifest = Bundle(out / "bundle").manifest
    # Three epochs on sixteen recordings are no model, and the policy that ships says so.
    assert verdict["passed"] is manifest.verdict["passed"] is False
    assert "refused" in done.stdout.lower()
    assert "Refused" in (out / "report.html").read_text() + (out / "bundle" / "MODEL_CARD.md").read_text()


def test_run__shows_its_steps(finished) -> None:
    steps = [line.split("] ")[1] for line in finished[0].stdout.splitlines() if line.startswith("[")]
    # The champion is fetched beside what looks at recordings; a slip in the configuration opens no run.
    assert steps[:2] == ["configure", "open-run"]
    # Steps that wait for the same one start together: their order is the scheduler's.
    assert sorted(steps[2:5]) == ["fetch-champion", "inputs-version", "preflight"]
    assert steps[5:8] == ["ingest", "validate", "split"]
    waiting = {"plan-development", "plan-test", "train-other-cnn", "train-raw-cnn"}
    assert waiting | {"fit-ensemble", "calibrate", "evaluate", "export", "apply-gates", "register"} <= set(steps)
    assert "train raw_cnn: 100%" in finished[0].stdout


def test_run__names_what_was_left_out(finished) -> None:
    page = next((finished[1] / "artifacts").glob("*/validate/report")).read_text()
    assert "grekis/grekis_0.ogg" in page and "the file is empty" in page
    assert "41970/41970_1.ogg" in page and "the file is missing" in page
    assert "18 of 20 recordings" in page


def test_bundle__knows_where_it_comes_from(finished, runs_here: dict[str, str]) -> None:
    manifest = Bundle(finished[1] / "bundle").manifest
    assert set(manifest.parents) >= {"data_fingerprint", "split_sha256", "config_sha256"}
    # The demo preset names a cluster's image and the environment may say anything: neither ran.
    assert manifest.parents.items() >= runs_here.items()
    assert {head.name: head.config["epochs"] for head in manifest.heads} == {"raw_cnn": 3, "other_cnn": 1}
    assert manifest.spec.n_mels == 32


def test_evaluation__is_of_test_recordings_only(finished) -> None:
    evaluation = json.loads((finished[1] / "evaluation.json").read_text())
    answers = {answer["recording_id"] for answer in evaluation["answers"]}
    # One of each of the four species, five or four recordings of which there are.
    assert len(answers) == evaluation["rows"]["ensemble"]["n_recordings"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--preset", "demoo"], "'demoo' does not exist: there are birdclef, demo"),
        (["--preset", "demo", "--set", "heads.raw_cnn.epoch=1"], "heads.raw_cnn.epoch: is not known here"),
        (["--preset", "demo", "--set", "heads.effnet_lora.weights=none"], "low-rank updates of random weights"),
        (
            ["--preset", "demo", "--set", "gates={minimum: {top_1: 0.4}}"],
            "no metric of the test recordings: did you mean top1",
        ),
        (["--preset", "demo", "--set", "gates.minimum.top1=2"], "top1: must be a number from 0 to 1 (found 2)"),
        (["--preset", "demo", "--set", "gates={beats: {majority clas: [top1]}}"], "did you mean majority class?"),
        (["--preset", "demo", "--config", "/nowhere.yaml"], "--config '/nowhere.yaml' cannot be read"),
        (["--preset", "demo", "--data", "/nowhere"], "/nowhere is not a folder"),
        (["--preset", "demo", "--data", "/nowhere.csv"], "/nowhere.csv is not a file"),
        (["--preset", "demo", "--previous", "/nowhere"], "--previous /nowhere is not there"),
        (["--preset", "demo", "--champion", "/nowhere"], "--champion /nowhere is not there"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_wrong_configuration__is_one_sentence_before_anything_starts(
    command: str,
    options: list[str],
    message: str,
    tiny_source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # In this process, where a traceback would be this test's.
    status = main([command, "train", "--data", str(tiny_source), "--out", str(tmp_path / "out"), *options])
    error = capsys.readouterr().err
    assert status == 1
    assert message in error
    assert error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
