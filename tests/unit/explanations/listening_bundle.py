"""A bundle whose truth is known: each class listens to mel bands of its own, and to nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from silencio.bundle.graph import Graph
from silencio.bundle.manifest import GRAPH, MANIFEST, PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES, write_placeholder_bundle
from silencio.features import FeatureSpec
from silencio.storage import sha256_of

SPEC = FeatureSpec(
    sample_rate_hz=16_000, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=128, n_mels=32, f_max_hz=8_000.0
)
# grekis: about 2.2 to 3.2 kHz; eurbla: about 5.0 to 7.1 kHz.
BANDS = {"grekis": slice(17, 21), "eurbla": slice(26, 30)}


def write_listening_bundle(directory: Path, bands: Mapping[str, slice | list[int]] = BANDS) -> Path:
    """A placeholder with other weights, sealed anew."""
    write_placeholder_bundle(directory, spec=SPEC, inputs=("log_mel",))
    model = onnx.load(str(directory / GRAPH))
    weights = np.zeros((SPEC.n_mels, len(PLACEHOLDER_CLASSES)), np.float32)
    for code, of_class in bands.items():
        weights[of_class, PLACEHOLDER_CLASSES.index[code]] = 1.0
    for tensor in model.graph.initializer:
        if tensor.name == "band_weights":
            tensor.CopyFrom(numpy_helper.from_array(weights, "band_weights"))
    onnx.save(model, str(directory / GRAPH))
    manifest = read_manifest(directory)
    graph, parity = Graph(directory / GRAPH, manifest.inputs, n_threads=1), Parity.load(directory / PARITY)
    clips = tuple(
        type(clip)(clip.recording_id, clip.encoded, clip.log_mel, clip.waveform, graph.run({"log_mel": clip.log_mel}))
        for clip in parity.clips
    )
    Parity(parity.spec_sha256, parity.codes, clips).save(directory / PARITY)
    files = {name: sha256_of(directory / name) for name in manifest.files}
    sealed = manifest.model_copy(update={"files": files}).sealed()
    (directory / MANIFEST).write_text(sealed.model_dump_json(indent=2), encoding="utf-8")
    return directory
