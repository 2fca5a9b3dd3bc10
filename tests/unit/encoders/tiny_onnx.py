"""An ONNX file of one matrix: an encoder that is made in a millisecond."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def tiny_onnx(weights: NDArray[np.float32]) -> bytes:
    """A model that multiplies each frame with a matrix.

    Args:
        weights: float32, shape (frame_samples, n_outputs).
    """
    frame_samples, n_outputs = weights.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["frames", "w"], ["embedding"])],
        "tiny",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["n", frame_samples])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", n_outputs])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())
