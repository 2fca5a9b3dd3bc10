"""panns_cnn14: CNN14 of the PANNs, 50 Hz to 14 kHz of a whole window of 5 s (527 classes of AudioSet).

Kong, Cao, Iqbal, Wang, Wang & Plumbley 2020, doi:10.1109/TASLP.2020.3030497.
"""

from __future__ import annotations

from pathlib import Path

from silencio.encoders.registry import KnownEncoder
from silencio.encoders.spec import EncoderSpec
from silencio.encoders.weights import Weights

_FRAME_SAMPLES = 160_000


def _as_onnx(official: Path, path: Path) -> None:
    """The checkpoint as a graph, without torch wherever it runs."""
    from silencio.encoders._cnn14 import export, load

    export(load(official), _FRAME_SAMPLES, path)


ENCODER = KnownEncoder(
    spec=EncoderSpec(
        name="panns_cnn14",
        runtime="onnx",
        sample_rate_hz=32_000,
        frame_samples=_FRAME_SAMPLES,
        hop_samples=_FRAME_SAMPLES,
        n_outputs=2_048,
    ),
    title="PANNs CNN14",
    licence="CC BY 4.0",
    weights=Weights(
        file_name="Cnn14_mAP=0.431.pth",
        sha256="0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
        address="https://zenodo.org/records/3987831/files/Cnn14_mAP%3D0.431.pth?download=1",
    ),
    prepare=_as_onnx,
)
