"""docs/data.md as it stands: recordings in S3, and what the demo's bundle leaves out."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from silencio.config import preset_text, resolve
from silencio.demo.sources import load_demo_set
from silencio.storage import upload_folder
from tests.s3 import running_s3

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def test_s3__settings_of_the_page_read_a_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = running_s3().use(monkeypatch)
    (tmp_path / "reserve" / "frog").mkdir(parents=True)
    sound = 0.1 * np.random.default_rng(7).standard_normal(16_000).astype(np.float32)
    soundfile.write(tmp_path / "reserve" / "frog" / "a.wav", sound, 16_000)
    place = s3.new_place()
    upload_folder(tmp_path / "reserve", place)
    (block,) = re.findall(r"```sh\n(export SILENCIO_S3_ENDPOINT.*?)```", PAGE, re.DOTALL)
    for word, value in {
        "https://s3.example.org:9000": f"http://{s3.endpoint}",
        "=KEY ": f"={s3.access_key} ",
        "=SECRET\n": f"={s3.secret_key}\n",
        "s3://recordings/reserve": place,
        "silencio ": f"{ROOT}/.venv/bin/silencio ",
    }.items():
        assert word in block, f"the page no longer says {word}"
        block = block.replace(word, value)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SILENCIO_S3_")}
    done = subprocess.run(["bash", "-ec", block], capture_output=True, text=True, env=kept, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 recordings can be used" in done.stdout


def test_new__are_so_many_of_the_demos_recordings_as_the_page_says() -> None:
    counted = Counter(recording.label for recording in load_demo_set().recordings)
    min_recordings = resolve(preset_text("demo")).min_recordings
    n_rare = sum(n for n in counted.values() if n < min_recordings)
    assert f"{n_rare} recordings of the demo's are, of `min_recordings: {min_recordings}`" in " ".join(PAGE.split())
