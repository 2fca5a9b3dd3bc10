"""A bundle that was trained in one environment answers in another that has only the serving extra."""

import base64
import json
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from silencio.bundle import Bundle, Scorer
from tests.litert_bundle import write_litert_bundle
from tests.waiting import HANG_S

ROOT = Path(__file__).parents[2]
TRAINING_PACKAGES = ["torch", "torchvision", "timm", "peft", "lightning", "kfp", "mlflow", "sklearn", "librosa", "onnx"]


@pytest.fixture(scope="module")
def trained_bundle(tiny_bundle: Path) -> Path:
    return tiny_bundle


def test_environment__has_no_training_framework(serving_python: Path) -> None:
    code = "import importlib.util as u, json, sys; print(json.dumps([n for n in sys.argv[1:] if u.find_spec(n)]))"
    done = subprocess.run(
        [serving_python, "-c", code, *TRAINING_PACKAGES], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout) == []


def test_inspect__verifies_without_torch(serving_python: Path, trained_bundle: Path) -> None:
    command = [serving_python, "-m", "silencio", "bundle", "inspect", trained_bundle]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_endpoint__answers_what_the_training_environment_computes(
    serving_python: Path, trained_bundle: Path, tiny_data
) -> None:
    clip = Path(tiny_data.recordings["path"][0])
    up = subprocess.Popen(
        [serving_python, "-m", "silencio", "serve", "--bundle", trained_bundle, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert up.stdout is not None
        url = next(word for line in up.stdout for word in line.split() if word.startswith("http://127.0.0.1:"))
        body = {
            "instances": [{"audio": {"b64": base64.b64encode(clip.read_bytes()).decode()}}],
            "parameters": {"top_k": "all"},
        }
        request = urllib.request.Request(  # the address is our own
            f"{url.split('/v1')[0]}/v1/models/silencio:predict",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=HANG_S) as response:
            answer = json.load(response)["predictions"][0]["windows"]
    finally:
        up.terminate()
        up.wait(HANG_S)
    scorer = Scorer(Bundle(trained_bundle))
    expected = scorer(clip).probabilities
    codes = scorer.bundle.manifest.classes.codes
    by_code = [{one["code"]: one["probability"] for one in window["species"]} for window in answer]
    got = np.array([[window[code] for code in codes] for window in by_code])
    assert np.abs(got - expected).max() <= 1e-5


def test_inspect__runs_the_encoders_that_the_best_bundles_bring(serving_python: Path, tmp_path: Path) -> None:
    command = [serving_python, "-m", "silencio", "bundle", "inspect", write_litert_bundle(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "2 clips replayed, equal" in done.stdout
