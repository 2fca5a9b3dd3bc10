"""The encoders of a bundle: the graph is fed what they say of the waveform that is sent."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from silencio.bundle import Bundle, Scorer
from silencio.bundle.encoders import check_runtimes
from silencio.bundle.manifest import MANIFEST, BundleManifest
from silencio.bundle.placeholder import synthesised_clips, write_placeholder_bundle
from silencio.errors import BundleIntegrityError, ConfigError
from silencio.extras import install_command
from silencio.features import FeatureSpec
from tests.litert_bundle import write_litert_bundle


def test_bundle__with_an_encoder_is_sent_waveform_and_knows_the_embedding(tmp_path: Path) -> None:
    bundle = Bundle(write_placeholder_bundle(tmp_path, inputs=["log_mel", "embedding:placeholder"]))
    assert [entry.name for entry in bundle.manifest.sent_inputs] == ["log_mel", "waveform"]
    scorer = Scorer(bundle)
    clip = synthesised_clips(FeatureSpec())["chirp.flac"]
    scored = scorer(clip)
    features = scorer.front_end(clip).inputs
    # What it takes counts: the same log-mel with another waveform is another answer.
    silent = scorer.graph.run({**features, "waveform": np.zeros_like(features["waveform"])})
    assert np.abs(silent - scored.probabilities).max() > 1e-3


def test_bundle__an_encoder_that_was_changed_is_found(tmp_path: Path) -> None:
    directory = write_placeholder_bundle(tmp_path, inputs=["embedding:placeholder"])
    file = directory / "encoders" / "placeholder.onnx"
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(bytes(changed))
    with pytest.raises(BundleIntegrityError, match=r"encoders/placeholder\.onnx was changed"):
        Bundle(directory)


def test_bundle__an_encoder_that_is_not_listed_is_not_loaded(tmp_path: Path) -> None:
    directory = write_placeholder_bundle(tmp_path, inputs=["embedding:placeholder"])
    manifest = BundleManifest.model_validate_json((directory / MANIFEST).read_text())
    listed = {name: sha256 for name, sha256 in manifest.files.items() if not name.startswith("encoders/")}
    (directory / MANIFEST).write_text(manifest.model_copy(update={"files": listed}).sealed().model_dump_json())
    with pytest.raises(BundleIntegrityError, match=r"^bundle\.json lists no encoders/placeholder\.onnx$"):
        Bundle(directory)


def test_bundle__with_an_encoder_of_litert_is_loaded_and_replayed(tmp_path: Path) -> None:
    Bundle(write_litert_bundle(tmp_path)).verify()


def test_bundle__without_what_runs_its_encoders_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Bundle(write_litert_bundle(tmp_path))
    check_runtimes(bundle.manifest)
    for name in [name for name in sys.modules if name.partition(".")[0] == "ai_edge_litert"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    shown = (
        r"^bundle 0-placeholder needs LiteRT for placeholder, and this environment \(.*\) has none: "
        + re.escape(install_command("litert"))
        + r", or make the environment from requirements/serve-cpu\.txt"
    )
    with pytest.raises(ConfigError, match=shown):
        bundle.graph()


def test_check_runtimes__of_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manifest = Bundle(write_litert_bundle(tmp_path)).manifest

    def without_the_package(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib.util, "find_spec", without_the_package)
    with pytest.raises(ConfigError, match="needs LiteRT for placeholder"):
        check_runtimes(manifest)


def test_bundle__an_embedding_that_no_encoder_makes(tmp_path: Path) -> None:
    directory = write_placeholder_bundle(tmp_path, inputs=["embedding:placeholder"])
    manifest = BundleManifest.model_validate_json((directory / MANIFEST).read_text())
    one = manifest.encoders[0].model_copy(update={"name": "other"})
    (directory / MANIFEST).write_text(manifest.model_copy(update={"encoders": (one,)}).sealed().model_dump_json())
    with pytest.raises(BundleIntegrityError, match="the graph is fed embedding:placeholder"):
        Bundle(directory).graph()
