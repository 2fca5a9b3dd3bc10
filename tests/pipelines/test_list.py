"""`silencio list`: one broken preset hides none of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

import silencio.config.presets
from silencio.__main__ import main
from silencio.config import preset_names, preset_text


def test_list__has_every_preset_its_heads_and_its_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr()
    for name in preset_names():
        assert f"train-{name}-" in out.out
    assert out.err == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"heads: {no_such: {}}", "error: preset mine: heads.no_such: 'no_such' is no head"),
        (b"heads: [", "error: preset mine: the configuration is not YAML"),
        (b"gates: {minimum: {top_1: 0.4}}\nheads: {texture: {}}", "did you mean top1?"),
        (b"\xff\xfe", "error: preset mine: --preset 'mine' cannot be read"),
    ],
)
def test_list__a_broken_preset_is_named_beside_the_others(
    content: bytes, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    presets = tmp_path / "presets"
    presets.mkdir()
    (presets / "demo.yaml").write_text(preset_text("demo"), encoding="utf-8")
    (presets / "mine.yaml").write_bytes(content)
    monkeypatch.setattr(silencio.config.presets, "files", lambda package: tmp_path)
    assert main(["list"]) == 1
    out = capsys.readouterr()
    assert "train-demo-" in out.out
    assert sentence in out.err
    assert "mine" not in out.out
