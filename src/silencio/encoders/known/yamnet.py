"""yamnet: Google's AudioSet network, a MobileNet on 0.98 s of 16 kHz (521 classes of AudioSet).

Plakal & Ellis 2020, https://github.com/tensorflow/models/tree/master/research/audioset/yamnet. Any TFLite file of it
that tells its embedding will do: the official one is of 16 MB, and there are quantized ones of 4 MB.
"""

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
        speeds=(1.0, 0.5),
    ),
    title="YAMNet",
    licence="Apache-2.0",
    weights=Weights(
        file_name="yamnet.tflite",
        sha256="141fba1cdaae842c816f28edc4937e8b4f0af4c8df21862ccc6b52dc567993c3",
        several_forms=True,
        address="https://tfhub.dev/google/lite-model/yamnet/tflite/1?lite-format=tflite",
    ),
)
