"""Every encoder says what must be known of it, in its file and in the docs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from silencio.bundle.licences import licence_verdict
from silencio.bundle.manifest import EncoderEntry
from silencio.encoders import Encoder
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import encoder_names, encoder_spec, known_encoder
from silencio.errors import ConfigError
from tests.unit.encoders.made_litert import MadeLitert

PAGE = (Path(__file__).parents[3] / "docs" / "encoders.md").read_text(encoding="utf-8")


def test_encoder_names__are_the_files_of_the_room() -> None:
    assert encoder_names() == ["birdnet", "panns_cnn14", "perch", "yamnet"]


def test_known_encoder__a_wrong_name_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="^'birdnett' is no encoder: there are birdnet, panns_cnn14, perch, yamnet$"):
        known_encoder("birdnett")


@pytest.mark.parametrize("name", encoder_names())
def test_encoder__says_everything_of_itself(name: str) -> None:
    known = known_encoder(name)
    assert known.spec.name == name
    assert known.title and known.licence
    assert known.weights.file_name and re.fullmatch("[0-9a-f]{64}", known.weights.sha256)
    has_address, has_package = known.weights.address.startswith("https://"), bool(known.weights.package)
    assert has_address != has_package and has_package == bool(known.weights.extra)


@pytest.mark.parametrize("name", encoder_names())
def test_docs__have_rows_that_are_true(name: str) -> None:
    known = known_encoder(name)
    facts, origin = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    spec = known.spec
    for fact in (
        known.title,
        f"{spec.sample_rate_hz // 1000} kHz",
        f"{spec.frame_samples / spec.sample_rate_hz:.3g} s",
        f"{spec.n_outputs:,}",
        known.licence,
    ):
        assert f"| {fact}" in facts, fact
    assert f"| `{known.weights.file_name}`" in origin and f"`{known.weights.sha256}`" in origin


@pytest.mark.parametrize(
    ("name", "non_commercial"), [("birdnet", True), ("panns_cnn14", False), ("perch", False), ("yamnet", False)]
)
def test_licence__of_a_bundle_follows_from_its_encoder(name: str, non_commercial: bool) -> None:
    known = known_encoder(name)
    entry = EncoderEntry(
        **known.spec.model_dump(), file=f"encoders/{name}.onnx", title=known.title, licence=known.licence
    )
    assert licence_verdict({}, [], [entry])["non_commercial"] == non_commercial


def test_encoder_spec__takes_the_speeds_that_are_configured() -> None:
    assert encoder_spec("birdnet", EncoderConfig()).n_dimensions == 2 * 1_024
    assert encoder_spec("birdnet", EncoderConfig(speeds=(0.25,))).speeds == (0.25,)


def test_encoder__without_litert_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = MadeLitert(15_600)
    (tmp_path / "made.tflite").write_bytes(made.content([made.slice("embedding", 1_024)]))
    spec = encoder_spec("yamnet", EncoderConfig())
    assert Encoder(tmp_path / "made.tflite", spec, 16_000, 1).embed(np.zeros((1, 80_000), np.int16)).shape == (1, 2048)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ConfigError, match=r"^made.tflite runs in LiteRT, which is not installed: .*\[litert\]"):
        Encoder(tmp_path / "made.tflite", spec, 16_000, 1)
