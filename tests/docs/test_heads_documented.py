"""docs/heads.md: its head and its preset are what the project asks of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from silencio.config import resolve
from silencio.models.head import Head, HeadConfig
from silencio.models.registry import head_class
from tests.docs.pages import ROOT, blocks
from tests.new_head import NEW_HEAD, add_head

FILES = {block.file: block.text for block in blocks(ROOT / "docs" / "heads.md") if block.file}
PAGE = (ROOT / "docs" / "heads.md").read_text(encoding="utf-8")


def test_page__its_head_is_in_the_houses_style(tmp_path: Path) -> None:
    name = "src/silencio/models/heads/loudness.py"
    for command in (["format", "--check"], ["check"]):
        words = [sys.executable, "-m", "ruff", *command, "--stdin-filename", name, "-"]
        done = subprocess.run(words, input=NEW_HEAD, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr


def test_page__its_preset_is_of_its_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_head(tmp_path, monkeypatch)
    config = resolve(FILES["src/silencio/presets/loud.yaml"])
    assert {head.kind for head in config.heads.values()} == {"loudness"}
    documented = head_class("loudness").Config.__doc__ or ""
    for name in set(head_class("loudness").Config.model_fields) - set(HeadConfig.model_fields):
        assert f"{name}:" in documented


def test_page__a_wrong_value_is_answered_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_head(tmp_path, monkeypatch)
    with pytest.raises(Exception, match=r"heads\.loudness.*bands.*greater than or equal to 1"):
        resolve(FILES["src/silencio/presets/loud.yaml"], overrides=["heads.loudness.bands=0"])


@pytest.mark.parametrize("name", ["input_names", "Config", "build", "forward"])
def test_page__every_part_of_a_head_has_its_row(name: str) -> None:
    assert hasattr(Head, name) or name in Head.__annotations__
    assert f"| `{name}` |" in PAGE
