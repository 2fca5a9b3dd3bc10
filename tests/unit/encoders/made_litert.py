"""TFLite files of a few operators, as LiteRT's own schema writes them."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_TYPES = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.int32): schema.TensorType.INT32}


class MadeLitert:
    """A model of one input, built operator by operator.

    Args:
        n_samples: Of its input, of shape (1, n_samples).
    """

    def __init__(self, n_samples: int) -> None:
        self._model, self._graph = schema.ModelT(), schema.SubGraphT()
        self._model.version, self._model.subgraphs = 3, [self._graph]
        self._model.operatorCodes, self._model.buffers = [], [schema.BufferT()]
        self._graph.tensors, self._graph.operators = [], []
        self._graph.inputs = [self._tensor("waveform", (1, n_samples))]

    def slice(self, name: str, n: int) -> int:
        """The first samples: shape (1, n)."""
        begin, size = (self._constant(f"{name}/{what}", np.int32(to)) for what, to in (("from", [0, 0]), ("n", [1, n])))
        builtin = (schema.BuiltinOperator.SLICE, schema.BuiltinOptions.SliceOptions, schema.SliceOptionsT())
        return self._operator(builtin, [0, begin, size], name, (1, n))

    def plus(self, name: str, tensor: int, weights: NDArray[np.float32]) -> int:
        """A tensor and weights of its shape, added."""
        builtin = (schema.BuiltinOperator.ADD, schema.BuiltinOptions.AddOptions, schema.AddOptionsT())
        return self._operator(builtin, [tensor, self._constant(f"{name}/weights", weights)], name, weights.shape)

    def reshaped(self, name: str, tensor: int, shape: tuple[int, ...]) -> int:
        """A tensor in another shape."""
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        builtin = (schema.BuiltinOperator.RESHAPE, schema.BuiltinOptions.ReshapeOptions, options)
        return self._operator(builtin, [tensor, self._constant(f"{name}/shape", np.int32(shape))], name, shape)

    def content(self, outputs: list[int]) -> bytes:
        """The file."""
        self._graph.outputs = outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _operator(self, builtin: tuple[int, int, Any], inputs: list[int], name: str, shape: tuple[int, ...]) -> int:
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin[0]
        code.version = 1
        self._model.operatorCodes.append(code)
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.builtinOptionsType, operator.builtinOptions = builtin[1:]
        operator.inputs, operator.outputs = inputs, [self._tensor(name, shape)]
        self._graph.operators.append(operator)
        return len(self._graph.tensors) - 1

    def _constant(self, name: str, values: NDArray[Any]) -> int:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self._tensor(name, values.shape, values.dtype, len(self._model.buffers) - 1)

    def _tensor(self, name: str, shape: tuple[int, ...], kind: Any = np.float32, buffer: int = 0) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
        tensor.type = _TYPES[np.dtype(kind)]
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1
