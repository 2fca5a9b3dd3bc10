"""The containers' commands of docs/images.md, typed as they stand there, with free ports and names of their own."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from components.image import VERSION
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.network import free_ports
from tests.waiting import HANG_S

pytestmark = pytest.mark.images

ROOT = Path(__file__).parents[3]


def test_containers__by_hand_answer_and_end(tmp_path: Path, recording: Callable[..., bytes]) -> None:
    page = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
    (text,) = (one for one in re.findall(r"^```bash\n(.*?)^```$", page, re.M | re.S) if "docker run" in one)
    assert f":{VERSION} " in text
    for documented, port in zip(("8080", "8085", "8086"), free_ports(3), strict=True):
        text = text.replace(documented, str(port))
    name = uuid.uuid4().hex[:8]
    text = re.sub(r"(?<= )(predictor|transformer)(?=\s)", rf"\1-{name}", text)
    (tmp_path / "out" / "reserve").mkdir(parents=True)
    bundle = write_placeholder_bundle(tmp_path / "out" / "reserve" / "bundle")
    for path in [bundle, *bundle.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (tmp_path / "CLIP.ogg").write_bytes(recording(6.0))
    try:
        command = ["bash", "-euc", f"export no_proxy='*'\n{text}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=HANG_S)
        assert done.returncode == 0, (done.stdout, done.stderr)
        answer, _ = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index('{"predictions"') :])
        (prediction,) = answer["predictions"]
        assert len(prediction["windows"]) == 2
    finally:
        both = [f"transformer-{name}", f"predictor-{name}"]
        subprocess.run(["docker", "rm", "--force", *both], capture_output=True, check=False)
