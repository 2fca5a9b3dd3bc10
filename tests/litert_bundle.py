"""A bundle whose encoder runs in LiteRT, as BirdNET's and YAMNet's do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from silencio.bundle.encoders import Encoders
from silencio.bundle.graph import Graph
from silencio.bundle.manifest import GRAPH, MANIFEST, PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.storage import sha256_of
from tests.unit.encoders.made_litert import MadeLitert

_FILE = "encoders/placeholder.tflite"


def write_litert_bundle(directory: Path) -> Path:
    """A placeholder whose encoder is the first samples of a frame, given by LiteRT."""
    write_placeholder_bundle(directory, inputs=("log_mel", "embedding:placeholder"))
    manifest = read_manifest(directory)
    (encoder,) = manifest.encoders
    (directory / encoder.file).unlink()
    made = MadeLitert(encoder.frame_samples)
    (directory / _FILE).write_bytes(made.content([made.slice("embedding", encoder.n_outputs)]))
    manifest = manifest.model_copy(
        update={"encoders": (encoder.model_copy(update={"runtime": "litert", "file": _FILE}),)}
    )
    graph = Graph(directory / GRAPH, manifest.inputs, 1, encoders=Encoders(directory, manifest, 1))
    parity = Parity.load(directory / PARITY)
    clips = [
        replace(clip, probabilities=graph.run({"log_mel": clip.log_mel, "waveform": clip.waveform}))
        for clip in parity.clips
    ]
    replace(parity, clips=tuple(clips)).save(directory / PARITY)
    names = {_FILE if name == encoder.file else name for name in manifest.files}
    files = {name: sha256_of(directory / name) for name in sorted(names)}
    (directory / MANIFEST).write_text(manifest.model_copy(update={"files": files}).sealed().model_dump_json())
    return directory
