"""A TFLite file of one matrix, without TensorFlow: what LiteRT's own schema writes."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray


def tiny_litert(weights: NDArray[np.float32]) -> bytes:
    """A model that multiplies a frame with a matrix.

    Args:
        weights: float32, shape (frame_samples, n_outputs).
    """
    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = [schema.OperatorCodeT()]
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.FULLY_CONNECTED
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    model.operatorCodes[0].version = 1
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(np.ascontiguousarray(weights.T).tobytes(), np.uint8)
    n_samples, n_outputs = weights.shape
    shapes = {"frame": ([1, n_samples], 0), "weights": ([n_outputs, n_samples], 1), "embedding": ([1, n_outputs], 0)}
    graph = schema.SubGraphT()
    graph.tensors = []
    for name, (shape, buffer) in shapes.items():
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, schema.TensorType.FLOAT32, buffer
        graph.tensors.append(tensor)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, -1], [2]
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [2]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
