"""An encoder as a user would add it: one file, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from silencio.encoders import known as room
from tests.unit.encoders.tiny_onnx import tiny_onnx

SOURCE = """
from silencio.encoders.registry import KnownEncoder
from silencio.encoders.spec import EncoderSpec
from silencio.encoders.weights import Weights

ENCODER = KnownEncoder(
    spec=EncoderSpec(
        name="chorus", runtime="onnx", sample_rate_hz=8000, frame_samples=4000, hop_samples=2000, n_outputs=6
    ),
    title="Chorus",
    licence="CC BY-NC 4.0",
    weights=Weights(file_name="chorus.onnx", sha256="0" * 64, several_forms=True),
)
"""


@contextmanager
def chorus(folder: Path) -> Iterator[Path]:
    """The encoder `chorus` for as long as it lasts; gives its weights file."""
    (folder / "chorus.py").write_text(SOURCE, encoding="utf-8")
    weights = folder / "chorus.onnx"
    weights.write_bytes(tiny_onnx(np.random.default_rng(5).standard_normal((4000, 6)).astype(np.float32)))
    with patch.object(room, "__path__", [*room.__path__, str(folder)]):
        try:
            yield weights
        finally:
            sys.modules.pop("silencio.encoders.known.chorus", None)
