"""A bundle without a trained model, for tests and for a first look at serving."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import soundfile
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from silencio.bundle.encoders import Encoders
from silencio.bundle.graph import OUTPUT, Graph
from silencio.bundle.manifest import (
    GRAPH,
    MANIFEST,
    MODEL_CARD,
    PARITY,
    BundleManifest,
    EncoderEntry,
    GraphInput,
    HeadEntry,
)
from silencio.bundle.parity import Parity, ParityClip
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import sha256_of
from silencio.taxonomy import ClassList, Species

InputName = Literal["log_mel", "waveform", "embedding:placeholder"]

PLACEHOLDER_CLASSES = ClassList.of(
    Species(code=code, scientific_name=scientific_name, common_name=common_name, class_name=class_name)
    for code, scientific_name, common_name, class_name in (
        ("22973", "Lithobates catesbeianus", "American Bullfrog", "Amphibia"),
        ("41970", "Panthera onca", "Jaguar", "Mammalia"),
        ("963335", "Gryllus assimilis", "Jamaican Field Cricket", "Insecta"),
        ("eurbla", "Turdus merula", "Eurasian Blackbird", "Aves"),
        ("grekis", "Pitangus sulphuratus", "Great Kiskadee", "Aves"),
    )
)
PLACEHOLDER_SPEC = FeatureSpec(last_window="moved_back")
_ENCODED: InputName = "embedding:placeholder"
# As YAMNet's input: other rate, shorter frames.
_ENCODERS = (
    EncoderEntry(
        name="placeholder",
        file="encoders/placeholder.onnx",
        runtime="onnx",
        sample_rate_hz=16_000,
        frame_samples=15_360,
        hop_samples=7_680,
        n_outputs=8,
    ),
)
_VERSION = "0-placeholder"
_THRESHOLD = 0.5
_OPSET = 18
# The newest that every ONNX Runtime since 1.17 reads; onnx itself would write its own newest.
_IR_VERSION = 9


def write_placeholder_bundle(
    directory: Path,
    clips: Mapping[str, bytes] | None = None,
    *,
    spec: FeatureSpec | None = None,
    classes: ClassList = PLACEHOLDER_CLASSES,
    inputs: Sequence[InputName] = ("log_mel", "waveform"),
    seed: int = 0,
) -> Path:
    """Write a bundle that is valid in every respect except that it knows nothing.

    It makes sound into numbers by fixed random weights: the numbers depend on all of its inputs, are the same
    everywhere, and mean nothing. Neither torch nor a recording is needed.

    Args:
        directory: Where to write; made if it is not there.
        clips: Encoded recordings by id, to be replayed by whoever loads the bundle; synthesised by default.
        spec: How sound becomes features; by default as the presets have it.
        classes: What the outputs are called.
        inputs: What the graph is fed; an embedding brings an encoder of that name.
        seed: Seed of the weights.

    Returns:
        `directory`.
    """
    spec = spec or PLACEHOLDER_SPEC
    directory.mkdir(parents=True, exist_ok=True)
    entries = tuple(_graph_input(name, spec) for name in inputs)
    model = _model(entries, spec, classes, seed)
    onnx.save(model, str(directory / GRAPH))
    encoders = _ENCODERS if _ENCODED in inputs else ()
    if encoders:
        _write_encoder(directory / encoders[0].file, encoders[0], seed)
    (directory / MODEL_CARD).write_text(_CARD, encoding="utf-8")
    n_parameters = sum(numpy_helper.to_array(weights).size for weights in model.graph.initializer)
    manifest = BundleManifest(
        version=_VERSION,
        created_by="silencio.bundle.placeholder",
        spec=spec,
        spec_sha256=spec.sha256,
        inputs=entries,
        encoders=encoders,
        classes=classes,
        classes_sha256=classes.sha256,
        heads=tuple(
            HeadEntry(
                name=f"placeholder_{entry.name}",
                kind="placeholder",
                input_name=entry.name,
                weight=1.0 / len(entries),
                n_parameters=n_parameters // len(entries),
                config={},
            )
            for entry in entries
        ),
        supervisor={"kind": "none"},
        thresholds=dict.fromkeys(classes.codes, _THRESHOLD),
        metrics={},
        parents={},
        licences={"verdict": "Apache-2.0 (random weights, no data)"},
        files={},
    )
    running = Encoders(directory, manifest, n_threads=1) if encoders else None
    graph = Graph(directory / GRAPH, entries, n_threads=1, encoders=running)
    _parity(graph, clips or synthesised_clips(spec), spec, classes).save(directory / PARITY)
    names = (GRAPH, PARITY, MODEL_CARD, *(one.file for one in encoders))
    files = {name: sha256_of(directory / name) for name in names}
    manifest = manifest.model_copy(update={"files": files}).sealed()
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    return directory


_CARD = """# Placeholder

Random weights behind the same door as a trained model. It knows no species: use it to try serving, never to
learn what a recording holds.
"""


def _graph_input(name: InputName, spec: FeatureSpec) -> GraphInput:
    if name == "log_mel":
        return GraphInput(name=name, dtype="float32", shape=spec.log_mel_shape)
    if name == _ENCODED:
        return GraphInput(name=name, dtype="float32", shape=(_ENCODERS[0].n_outputs,))
    return GraphInput(name=name, dtype="int16", shape=(spec.window_samples,))


def _model(entries: Sequence[GraphInput], spec: FeatureSpec, classes: ClassList, seed: int) -> onnx.ModelProto:
    """One branch an input, added, softmax."""
    rng = np.random.default_rng(seed)
    branches: dict[str, Callable[..., _Branch]] = {
        "log_mel": _band_scores,
        "waveform": _loudness_scores,
        _ENCODED: _embedding_scores,
    }
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    for entry in entries:
        more_nodes, more_weights = branches[entry.name](rng, spec, len(classes))
        nodes += more_nodes
        weights += more_weights
    nodes.append(helper.make_node("Sum", [f"{entry.name}_scores" for entry in entries], ["scores"]))
    nodes.append(helper.make_node("Softmax", ["scores"], [OUTPUT], axis=1))

    types = {"float32": TensorProto.FLOAT, "int16": TensorProto.INT16}
    graph = helper.make_graph(
        nodes,
        "placeholder",
        [helper.make_tensor_value_info(e.name, types[e.dtype], ["batch", *e.shape]) for e in entries],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", len(classes)])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    facts = {"spec_sha256": spec.sha256, "classes_sha256": classes.sha256, "codes": json.dumps(list(classes.codes))}
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    return model


_Branch = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]


def _band_scores(rng: np.random.Generator, spec: FeatureSpec, n_classes: int) -> _Branch:
    """Mean of each mel band over the window, through one matrix."""
    weights = [
        numpy_helper.from_array(np.array([2], np.int64), "time_axis"),
        # Loud enough for species to differ, soft enough for none to be certain.
        numpy_helper.from_array(_weights(rng, spec.n_mels, n_classes, 0.1), "band_weights"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["log_mel", "time_axis"], ["bands"], keepdims=0),
        helper.make_node("MatMul", ["bands", "band_weights"], ["log_mel_scores"]),
    ]
    return nodes, weights


def _loudness_scores(rng: np.random.Generator, spec: FeatureSpec, n_classes: int) -> _Branch:
    """Mean absolute sample of the window, through one matrix."""
    weights = [
        numpy_helper.from_array(np.array(1 / 32768, np.float32), "full_scale"),
        numpy_helper.from_array(np.array([1], np.int64), "sample_axis"),
        numpy_helper.from_array(_weights(rng, 1, n_classes, 5.0), "loudness_weights"),
    ]
    nodes = [
        helper.make_node("Cast", ["waveform"], ["steps"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["steps", "full_scale"], ["samples"]),
        helper.make_node("Abs", ["samples"], ["rectified"]),
        helper.make_node("ReduceMean", ["rectified", "sample_axis"], ["loudness"], keepdims=1),
        helper.make_node("MatMul", ["loudness", "loudness_weights"], ["waveform_scores"]),
    ]
    return nodes, weights


def _embedding_scores(rng: np.random.Generator, spec: FeatureSpec, n_classes: int) -> _Branch:
    """The embedding through one matrix."""
    weights = _weights(rng, _ENCODERS[0].n_outputs, n_classes, 0.5)
    node = helper.make_node("MatMul", [_ENCODED, "embedding_weights"], [f"{_ENCODED}_scores"])
    return [node], [numpy_helper.from_array(weights, "embedding_weights")]


def _write_encoder(path: Path, entry: EncoderEntry, seed: int) -> None:
    """A frame through one matrix: float32 (n_frames, frame_samples) to (n_frames, n_outputs)."""
    path.parent.mkdir(exist_ok=True)
    weights = _weights(np.random.default_rng(seed), entry.frame_samples, entry.n_outputs, 0.05)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["frames", "encoder_weights"], ["embedding"])],
        "placeholder_encoder",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["n_frames", entry.frame_samples])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n_frames", entry.n_outputs])],
        [numpy_helper.from_array(weights, "encoder_weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.save(model, str(path))


def _weights(rng: np.random.Generator, n_rows: int, n_columns: int, scale: float) -> NDArray[np.float32]:
    return (rng.standard_normal((n_rows, n_columns)) * scale).astype(np.float32)


def _parity(graph: Graph, clips: Mapping[str, bytes], spec: FeatureSpec, classes: ClassList) -> Parity:
    front_end = FrontEnd(spec)
    replayed = []
    for recording_id, encoded in clips.items():
        features = front_end(encoded).inputs
        log_mel = np.asarray(features["log_mel"], np.float32)
        waveform = np.asarray(features["waveform"], np.int16)
        replayed.append(ParityClip(recording_id, encoded, log_mel, waveform, graph.run(features)))
    return Parity(spec.sha256, classes.codes, tuple(replayed))


def synthesised_clips(spec: FeatureSpec) -> dict[str, bytes]:
    """A rising chirp of one and a half windows (FLAC) and a noisy tone of half a window (WAV)."""
    rate_hz = spec.sample_rate_hz
    rng = np.random.default_rng(0)
    chirp_t = np.arange(round(1.5 * spec.window_s * rate_hz)) / rate_hz
    # Frequency runs from 500 Hz to a quarter of the sample rate; the phase is its integral.
    rate_of_rise = (rate_hz / 4 - 500.0) / chirp_t[-1]
    chirp = 0.5 * np.sin(2 * np.pi * (500.0 * chirp_t + rate_of_rise / 2 * chirp_t**2))
    tone_t = np.arange(round(0.5 * spec.window_s * rate_hz)) / rate_hz
    tone = 0.2 * np.sin(2 * np.pi * 2_000.0 * tone_t) + 0.05 * rng.standard_normal(len(tone_t))
    return {
        "chirp.flac": _encoded(chirp, rate_hz, "FLAC"),
        "tone.wav": _encoded(tone, rate_hz, "WAV"),
    }


def _encoded(samples: NDArray[np.float64], rate_hz: int, container: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype="PCM_16")
    return file.getvalue()
