"""The very graph that is compiled, on a small archive, by kfp.local."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from components.image import VERSION
from pipelines import batch_score_run
from pipelines.compile import COMPILED
from silencio.bundle.placeholder import write_placeholder_bundle


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "silencio", "run", "batch_score", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    root = tmp_path_factory.mktemp("batch")
    (root / "in").mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        soundfile.write(root / "in" / f"{number}.ogg", 0.1 * rng.standard_normal(32_000 * (1 + 3 * number)), 32_000)
    (root / "in" / "broken.ogg").write_bytes(b"OggS")
    (root / "in" / "readme.txt").write_text("no recording")
    bundle = write_placeholder_bundle(root / "bundle")
    return ["--data", str(root / "in"), "--bundle", str(bundle), "--out", str(root / "out"), "--shards", "2"]


@pytest.fixture(scope="module")
def finished(options: list[str]) -> subprocess.CompletedProcess[str]:
    return run(*options)


def test_run__accounts_for_every_file(options: list[str], finished: subprocess.CompletedProcess[str]) -> None:
    assert finished.returncode == 0, finished.stderr
    assert "6 files: 4 scored, 1 failed, 1 skipped" in finished.stdout
    assert "broken.ogg: " in finished.stdout
    scores = Path(options[5]) / "scores"
    with (scores / "files.csv").open() as file:
        files = {row["file"]: row["status"] for row in csv.DictReader(file)}
    assert files == {f"{number}.ogg": "scored" for number in range(4)} | {
        "broken.ogg": "failed",
        "readme.txt": "skipped",
    }
    with (scores / "birdclef.csv").open() as file:
        rows = [row["row_id"] for row in csv.DictReader(file)]
    assert rows == ["0_5", "1_5", "2_5", "2_10", "3_5", "3_10"]


def test_second_run__takes_up_what_is_done(options: list[str], finished: subprocess.CompletedProcess[str]) -> None:
    again = run(*options)
    assert "6 steps, 5 of them taken up" in again.stdout
    (Path(options[1]) / "new.wav").write_bytes(b"RIFF")
    more = run(*options)
    assert "7 files: 4 scored, 2 failed, 1 skipped" in more.stdout


def test_wrong_place__is_one_sentence(options: list[str], tmp_path: Path) -> None:
    done = run("--data", str(tmp_path / "nowhere"), *options[2:4], "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "nowhere is not a folder" in done.stderr.splitlines()[-1]


class _IdentityOnlyError(Exception):
    """Ends a start where steps would run."""


def _identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    def run_local(pipeline: object, arguments: dict[str, object], identity: str, *_: object, **beside: object) -> None:
        raise _IdentityOnlyError(identity)

    monkeypatch.setattr(batch_score_run, "run_local", run_local)
    with pytest.raises(_IdentityOnlyError) as ended:
        batch_score_run.run_batch_score("s3://birds/in", "s3://birds/bundle", tmp_path)
    return str(ended.value)


def test_run__is_the_same_where_s3_answers_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = _identity(monkeypatch, tmp_path)
    # What lies at the places is in the keys of the steps: `inputs_version` looks each time.
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "http://127.0.0.1:9000")
    assert _identity(monkeypatch, tmp_path) == before
    monkeypatch.setattr(batch_score_run, "local_image", lambda: "silencio/train:local-other")
    assert _identity(monkeypatch, tmp_path) != before


def test_compiled__fans_out_and_looks_at_the_place_each_time() -> None:
    pipeline, platform = yaml.safe_load_all((COMPILED / f"batch-score-{VERSION}.yaml").read_text())
    tasks = pipeline["root"]["dag"]["tasks"]
    loop = next(task for name, task in tasks.items() if name == "score-shards")
    assert loop["iteratorPolicy"]["parallelismLimit"] > 1
    assert "enableCache" not in tasks["inputs-version"]["cachingOptions"]
    assert tasks["list-archive"]["inputs"]["parameters"]["inputs_version"]["taskOutputParameter"]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name in ("inputs-version", "list-archive", "batch-score"):
        assert executors[f"exec-{name}"]["pvcMount"][0]["mountPath"] == "/data"
        assert executors[f"exec-{name}"]["secretAsEnv"][0]["secretName"] == "silencio-s3"
