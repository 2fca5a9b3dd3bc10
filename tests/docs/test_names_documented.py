"""The names that all pages use, as README lays them out after `make demo`."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from silencio.demo.sources import load_demo_set

ROOT = Path(__file__).parents[2]
(BLOCK,) = re.findall(r"```sh\n(ln -s .*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_names__are_laid_out_by_readme_from_what_make_demo_leaves(tmp_path: Path) -> None:
    home, clone = tmp_path / "home", tmp_path / "clone"
    for recording in load_demo_set().recordings:
        path = home / ".cache" / "silencio" / "demo-recordings" / "train_audio" / recording.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(recording.filename)
    (clone / "out" / "demo" / "bundle").mkdir(parents=True)
    (clone / "out" / "demo" / "bundle" / "bundle.json").write_text("{}")
    subprocess.run(["bash", "-ec", BLOCK], check=True, cwd=clone, env={**os.environ, "HOME": str(home)})
    assert sorted(path.name for path in clone.iterdir()) == ["CLIP.ogg", "FOLDER", "dawn.ogg", "dusk.ogg", "out"]
    assert len({(clone / name).read_text() for name in ("CLIP.ogg", "dawn.ogg", "dusk.ogg")}) == 3
    assert (clone / "FOLDER" / "train_audio").is_dir()
    assert (clone / "out" / "reserve" / "bundle" / "bundle.json").is_file()


@pytest.mark.parametrize(
    "name", ["FOLDER", "CLIP.ogg", "dawn.ogg", "out/", "mlflow.db", "manifest.csv", "keys.csv", "tls.key", "ask.py"]
)
def test_names__that_pages_put_into_the_clone_are_committed_by_nobody(name: str) -> None:
    """Keys above all."""
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout")
    ignored = subprocess.run(["git", "-C", str(ROOT), "check-ignore", "--quiet", "--no-index", name], check=False)
    assert ignored.returncode == 0
