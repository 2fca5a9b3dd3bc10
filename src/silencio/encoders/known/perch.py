"""perch: Google's Perch 2.0, an EfficientNet-B3 on 5 s of 32 kHz (14,795 species and other sounds).

van Merriënboer et al. 2025, arXiv:2508.04665. Google gives a TensorFlow model; what is read here is one of its
conversions, an ONNX or a TFLite file whose outputs are an embedding of 1,536 numbers, the same unpooled, a spectrogram
and the classes. Only the embedding is kept, a tenth of the bytes.
"""

from __future__ import annotations

from pathlib import Path

from silencio.encoders._litert_cut import cut_litert
from silencio.encoders.registry import KnownEncoder
from silencio.encoders.spec import EncoderSpec
from silencio.encoders.weights import Weights
from silencio.errors import PretrainedWeightsError

_N_OUTPUTS = 1_536


def _with_embedding_as_output(official: Path, path: Path) -> None:
    if official.suffix == ".tflite":
        cut_litert(official, path, lambda name, shape: len(shape) == 2 and shape[1] == _N_OUTPUTS)
    else:
        _cut_onnx(official, path)


def _cut_onnx(official: Path, path: Path) -> None:
    import onnx  # only training has it, and protobuf with it
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # its stubs are no part of it

    try:
        model = onnx.load(official)
    except DecodeError as error:
        raise PretrainedWeightsError(f"{str(official)!r} is not an ONNX file") from error
    shapes = {one.name: [n.dim_value for n in one.type.tensor_type.shape.dim] for one in model.graph.output}
    names = [name for name, shape in shapes.items() if len(shape) == 2 and shape[1] == _N_OUTPUTS]
    if len(names) != 1:
        raise PretrainedWeightsError(
            f"{str(official)!r} is not Perch 2.0: one output of {_N_OUTPUTS} numbers is expected, it has {shapes}"
        )
    inputs = [one.name for one in model.graph.input]
    onnx.save(onnx.utils.Extractor(model).extract_model(inputs, names), path)


ENCODER = KnownEncoder(
    spec=EncoderSpec(
        name="perch",
        runtime="onnx",
        sample_rate_hz=32_000,
        frame_samples=160_000,
        hop_samples=160_000,
        n_outputs=_N_OUTPUTS,
        peak=0.25,  # as Google's own perch-hoplite gives it every window
    ),
    title="Perch 2.0",
    licence="Apache-2.0",
    weights=Weights(
        file_name="perch_v2.onnx",
        sha256="bf0c8467a924cb074663970ca4a0ab1e143602121930209657d0dff5d5cefa1f",
        several_forms=True,
        address="https://huggingface.co/justinchuby/Perch-onnx/resolve/da88bf8c37c0b3068fc706fe509f633b9fbd28c1/perch_v2.onnx",
    ),
    prepare=_with_embedding_as_output,
)
