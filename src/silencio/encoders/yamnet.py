"""yamnet: Google's AudioSet network, a MobileNet on 0.98 s of 16 kHz (AudioSet, 521 classes)."""

from __future__ import annotations

from silencio.encoders.registry import KnownEncoder
from silencio.encoders.spec import EncoderSpec
from silencio.encoders.weights import Weights

ENCODER = KnownEncoder(
    spec=EncoderSpec(
        name="yamnet",
        runtime="litert",
        sample_rate_hz=16_000,
        frame_samples=15_600,
        hop_samples=7_800,
        n_outputs=1_024,
        output="Identity_1",
    ),
    title="YAMNet",
    licence="Apache-2.0",
    weights=Weights(
        file_name="yamnet.tflite",
        sha256="",
        advice="put it there or name it with encoders.yamnet.weights",
    ),
    suffix=".tflite",
)
