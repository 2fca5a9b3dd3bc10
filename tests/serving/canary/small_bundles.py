"""Bundles for releases: an equal one, one with shuffled classes, one that fails on loud sound."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import soundfile
from onnx import TensorProto, helper, numpy_helper

from silencio.bundle import Bundle, Scorer
from silencio.bundle.graph import OUTPUT
from silencio.bundle.manifest import GRAPH, MANIFEST, PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.release.answers import BundleAnswers, RecordingAnswer
from silencio.release.class_change import class_change
from silencio.release.comparison import compare_answers
from silencio.release.comparison_file import comparison_facts
from silencio.storage import sha256_of

RATE_HZ = 32_000
# Above it, on the scale of 16 bits, the failing bundle's graph reads beyond a table.
_LOUD = 32_000.0


def champion(folder: Path) -> Path:
    return write_placeholder_bundle(folder)


def retrained(folder: Path) -> Path:
    """Another bundle that answers alike: as another seed of a recipe does, as far as replay can see."""
    return _sealed_anew(write_placeholder_bundle(folder), "another seed")


def shuffled(folder: Path) -> Path:
    """Every answer under another species' name: the graph's columns are one further than its classes."""
    write_placeholder_bundle(folder)
    model = onnx.load(str(folder / GRAPH))
    for weights in model.graph.initializer:
        if weights.name in ("band_weights", "loudness_weights"):
            rolled = np.roll(numpy_helper.to_array(weights), 1, axis=1)
            weights.CopyFrom(numpy_helper.from_array(rolled, weights.name))
    onnx.save(model, str(folder / GRAPH))
    parity = Parity.load(folder / PARITY)
    clips = [replace(one, probabilities=np.roll(one.probabilities, 1, axis=1)) for one in parity.clips]
    replace(parity, clips=tuple(clips)).save(folder / PARITY)
    return _sealed_anew(folder, "shuffled classes")


def failing_on_loud_sound(folder: Path) -> Path:
    """It answers like the champion, but that its graph has no answer to sound at full scale."""
    write_placeholder_bundle(folder)
    model = onnx.load(str(folder / GRAPH))
    (softmax,) = (node for node in model.graph.node if OUTPUT in node.output)
    scores = softmax.input[0]
    softmax.input[0] = "checked_scores"
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(_LOUD, np.float32), "loud"),
            numpy_helper.from_array(np.zeros(1, np.float32), "table"),
        ]
    )
    place = list(model.graph.node).index(softmax)
    added = [
        helper.make_node("ReduceMax", ["steps", "sample_axis"], ["peak"], keepdims=1),
        helper.make_node("Greater", ["peak", "loud"], ["is_loud"]),
        helper.make_node("Cast", ["is_loud"], ["row"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "row"], ["nothing"]),
        helper.make_node("Add", [scores, "nothing"], ["checked_scores"]),
    ]
    for offset, node in enumerate(added):
        model.graph.node.insert(place + offset, node)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / GRAPH))
    return _sealed_anew(folder, "fails on loud sound")


def clip(seed: int, *, is_loud: bool = False) -> bytes:
    """Five seconds of a tone in noise; FLAC, so that full scale is full scale."""
    rng = np.random.default_rng(seed)
    t = np.arange(5 * RATE_HZ) / RATE_HZ
    sound = 0.3 * np.sin(2 * np.pi * rng.uniform(500, 8_000) * t) + rng.uniform(0.01, 0.2) * rng.uniform(-1, 1, len(t))
    if is_loud:
        sound[::100] = 1.0
    file = io.BytesIO()
    soundfile.write(file, np.clip(sound, -1.0, 1.0), RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def write_comparison(path: Path, old: Path, new: Path, n: int = 90) -> Path:
    """Recordings answered by both bundles; the right answer is what the champion names."""
    clips = {f"r{number}": clip(number) for number in range(n)}
    answers = [_answers(bundle, clips) for bundle in (old, new)]
    labels = {
        name: answers[0].codes[int(one.probabilities.mean(axis=0).argmax())]
        for name, one in answers[0].recordings.items()
    }
    manifests = read_manifest(old), read_manifest(new)
    compared = compare_answers(answers[0], answers[1], manifests, classes=class_change(*manifests), labels=labels)
    path.write_text(json.dumps(comparison_facts(compared)), encoding="utf-8")
    return path


def _answers(bundle: Path, clips: Mapping[str, bytes]) -> BundleAnswers:
    scorer = Scorer(Bundle(bundle))
    manifest = scorer.bundle.manifest
    scored = {}
    for name, encoded in clips.items():
        one = scorer(encoded)
        scored[name] = RecordingAnswer(
            starts_s=np.asarray(one.starts_s, np.float64),
            window_s=manifest.spec.window_s,
            probabilities=one.probabilities,
            detected=np.zeros(one.probabilities.shape, bool),
        )
    return BundleAnswers.of(manifest.classes.codes, manifest.thresholds, scored)


def _sealed_anew(folder: Path, made_by: str) -> Path:
    manifest = read_manifest(folder)
    files = {name: sha256_of(folder / name) for name in manifest.files}
    manifest = manifest.model_copy(update={"files": files, "created_by": made_by}).sealed()
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    return folder
