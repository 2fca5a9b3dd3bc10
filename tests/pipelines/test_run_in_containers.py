"""A whole run whose steps are containers of the image `train`, by kfp.local's DockerRunner.

It is held against a run whose steps are processes inside that image: the same interpreter, libraries and torch.

scripts/with_docker_engine.sh make images containers
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.image import VERSION
from silencio.bundle import Bundle
from tests.tiny_reserve import TWO_SMALL_HEADS, write_source
from tests.waiting import HANG_S

pytestmark = pytest.mark.images

IMAGE = f"silencio/train:{VERSION}"
# What says which image ran, and what is hashed of that.
_SAYS_THE_IMAGE = "MODEL_CARD.md"


def run(folder: Path, *words: str, out: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    options = ["--data", f"{folder}/reserve", "--preset", "demo", "--config", f"{folder}/tiny.yaml"]
    command = [*words, "run", "train", *options, "--out", f"{folder}/{out}", "--champion", "none", *more]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | told(folder), capture_output=True, text=True, timeout=HANG_S
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def told(folder: Path) -> dict[str, str]:
    return {
        "SILENCIO_CACHE": f"{folder}/cache",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "SILENCIO_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # As `silencio run` sets it for its steps wherever they run.
        "PYTHONWARNINGS": "ignore",
    }


def content(bundle: Bundle) -> dict[str, object]:
    """All of a bundle but the image that made it, its version, which is made of that too, and hashes of both."""
    folder, made_by = bundle.directory, {"image": bundle.manifest.parents["image"], "version": bundle.manifest.version}
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name, value in made_by.items():
        for file in (_SAYS_THE_IMAGE, "bundle.json"):
            files[file] = files[file].replace(value.encode(), name.encode())
    manifest = json.loads(files.pop("bundle.json"))
    del manifest["manifest_sha256"], manifest["files"][_SAYS_THE_IMAGE]
    return {**files, "bundle.json": manifest}


def test_run__in_containers_gives_the_bundle_that_processes_of_the_image_give(tmp_path: Path) -> None:
    write_source(tmp_path / "reserve")
    (tmp_path / "tiny.yaml").write_text(TWO_SMALL_HEADS)
    (tmp_path / "cache").mkdir()
    inside = [
        "docker",
        "run",
        "--rm",
        "--network=none",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--shm-size=1g",
    ]
    inside += [f"--user={os.getuid()}:{os.getgid()}", f"--mount=type=bind,src={tmp_path},dst={tmp_path}"]
    inside += [f"--workdir={tmp_path}", *(f"--env={name}={value}" for name, value in told(tmp_path).items())]
    run(tmp_path, *inside, IMAGE, "silencio", out="processes")
    done = run(tmp_path, sys.executable, "-m", "silencio", out="containers", more=("--image", IMAGE))
    processes, containers = Bundle(tmp_path / "processes" / "bundle"), Bundle(tmp_path / "containers" / "bundle")
    containers.verify()
    assert containers.manifest.parents["image"].startswith(f"{IMAGE}@sha256:")
    assert processes.manifest.parents["image"].startswith("silencio/train:local-")
    assert content(containers) == content(processes)
    assert "train raw_cnn" in done.stdout
