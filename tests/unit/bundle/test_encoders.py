"""Encoders hear the bundle's windows in their own way, alone or beside others, in ONNX Runtime and in LiteRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from silencio.audio import dequantize, resample
from silencio.bundle import Bundle, Scorer
from silencio.bundle.encoders import Encoder
from silencio.bundle.manifest import MANIFEST, BundleManifest, EncoderEntry
from silencio.bundle.placeholder import synthesised_clips, write_placeholder_bundle
from silencio.errors import BundleIntegrityError
from silencio.features import FeatureSpec
from tests.unit.bundle.tiny_litert import tiny_litert

RATE_HZ = 32_000
WEIGHTS = np.random.default_rng(3).standard_normal((960, 4)).astype(np.float32) * np.float32(0.1)
WINDOWS = (3_000 * np.random.default_rng(4).standard_normal((3, RATE_HZ // 2))).astype(np.int16)


def _entry(runtime: str, n_outputs: int = 4) -> EncoderEntry:
    suffix = {"onnx": "onnx", "litert": "tflite"}[runtime]
    return EncoderEntry.model_validate(
        {
            "name": "tiny",
            "file": f"encoders/tiny.{suffix}",
            "runtime": runtime,
            "sample_rate_hz": 16_000,
            "frame_samples": 960,
            "hop_samples": 480,
            "n_outputs": n_outputs,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "encoders").mkdir()
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["frames", "w"], ["embedding"])],
        "tiny",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["n", 960])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(WEIGHTS, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(tmp_path / "encoders" / "tiny.onnx"))
    (tmp_path / "encoders" / "tiny.tflite").write_bytes(tiny_litert(WEIGHTS))
    return tmp_path


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__mean_over_its_own_frames_at_its_own_rate(folder: Path, runtime: str) -> None:
    encoder = Encoder(folder, _entry(runtime), RATE_HZ, n_threads=1)
    samples = resample(dequantize(WINDOWS[0]), RATE_HZ, 16_000)
    starts = range(0, len(samples) - 480, 480)
    frames = [np.pad(samples[i : i + 960], (0, max(0, i + 960 - len(samples)))) for i in starts]
    wanted = np.mean([frame @ WEIGHTS for frame in frames], axis=0)
    np.testing.assert_allclose(encoder.embed(WINDOWS)[0], wanted, atol=1e-3)


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__a_batch_equals_one_by_one(folder: Path, runtime: str) -> None:
    encoder = Encoder(folder, _entry(runtime), RATE_HZ, n_threads=1)
    one_by_one = np.concatenate([encoder.embed(WINDOWS[i : i + 1]) for i in range(len(WINDOWS))])
    np.testing.assert_array_equal(encoder.embed(WINDOWS), one_by_one)


def test_encoder__both_runtimes_agree(folder: Path) -> None:
    by_onnx, by_litert = (Encoder(folder, _entry(name), RATE_HZ, n_threads=1) for name in ("onnx", "litert"))
    np.testing.assert_allclose(by_onnx.embed(WINDOWS), by_litert.embed(WINDOWS), atol=1e-5)


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__other_outputs_than_bundle_json_says(folder: Path, runtime: str) -> None:
    with pytest.raises(BundleIntegrityError, match=r"gives 4 numbers a frame, bundle\.json says 5"):
        Encoder(folder, _entry(runtime, n_outputs=5), RATE_HZ, n_threads=1)


@pytest.mark.parametrize("runtime", ["onnx", "litert"])
def test_encoder__a_file_that_is_none(folder: Path, runtime: str) -> None:
    entry = _entry(runtime)
    (folder / entry.file).write_bytes(b"nothing")
    with pytest.raises(BundleIntegrityError, match="is not a"):
        Encoder(folder, entry, RATE_HZ, n_threads=1)


def test_bundle__with_an_encoder_is_sent_waveform_and_knows_the_embedding(tmp_path: Path) -> None:
    bundle = Bundle(write_placeholder_bundle(tmp_path, inputs=["log_mel", "embedding:placeholder"]))
    assert [entry.name for entry in bundle.manifest.sent_inputs] == ["log_mel", "waveform"]
    scorer = Scorer(bundle)
    clip = synthesised_clips(FeatureSpec())["chirp.flac"]
    scored = scorer(clip)
    features = scorer.front_end(clip).inputs
    # What it hears counts: the same log-mel with another waveform is another answer.
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


def test_bundle__an_embedding_that_no_encoder_makes(tmp_path: Path) -> None:
    directory = write_placeholder_bundle(tmp_path, inputs=["embedding:placeholder"])
    manifest = BundleManifest.model_validate_json((directory / MANIFEST).read_text())
    one = manifest.encoders[0].model_copy(update={"name": "other"})
    (directory / MANIFEST).write_text(manifest.model_copy(update={"encoders": (one,)}).sealed().model_dump_json())
    with pytest.raises(BundleIntegrityError, match="the graph is fed embedding:placeholder"):
        Bundle(directory).graph()
