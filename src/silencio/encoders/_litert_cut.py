"""A TFLite model cut short: one of its inner tensors as the output, and only what that needs."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from silencio.errors import ConfigError, PretrainedWeightsError
from silencio.extras import install_command

_FIELDS = ("inputs", "outputs", "intermediates")
_ALIGNMENT_BYTES = 16  # of weights, as TFLite's schema asks; flatbuffers' Python aligns bytes to one


def cut_litert(official: Path, path: Path, is_output: Callable[[str, tuple[int, ...]], bool]) -> None:
    """Write the model that ends in one of the official model's tensors, without TensorFlow.

    Args:
        official: A TFLite file.
        path: What is written.
        is_output: Whether a tensor of that name and shape is the one; its outputs are tried first, then the rest from
            the last to the first.

    Raises:
        ConfigError: LiteRT is not installed.
        PretrainedWeightsError: The file is no such model, or has no such tensor.
    """
    schema, flatbuffers = _schema(official.name)
    try:
        model = schema.ModelT.InitFromPackedBuf(official.read_bytes(), 0)
        graph = model.subgraphs[0]
        tensors = [(tensor.name.decode(), tuple(int(n) for n in tensor.shape)) for tensor in graph.tensors]
    except (struct.error, TypeError, ValueError, AttributeError, IndexError) as error:
        raise PretrainedWeightsError(f"{str(official)!r} is not a TFLite model: {error}") from error
    candidates = [*graph.outputs, *reversed(range(len(tensors)))]
    found = next((index for index in candidates if is_output(*tensors[index])), None)
    if found is None:
        raise PretrainedWeightsError(f"{str(official)!r} is not the model that is expected: it has no such embedding")
    graph.outputs = [int(found)]
    _drop_unneeded_operators(graph)
    _drop_unneeded_tensors(graph)
    _drop_unneeded_buffers(model)
    model.signatureDefs = []  # they name outputs that may be gone

    class Builder(flatbuffers.Builder):  # type: ignore[misc, name-defined]
        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803
            return super().StartVector(elemSize, numElems, _ALIGNMENT_BYTES if elemSize == 1 else alignment)

    builder = Builder(sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None) + 2**20)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())


def _schema(file_name: str) -> tuple[Any, Any]:
    try:
        return importlib.import_module("ai_edge_litert.schema_py_generated"), importlib.import_module("flatbuffers")
    except ModuleNotFoundError as error:
        raise ConfigError(f"{file_name} needs LiteRT, which is not installed: {install_command('litert')}") from error


def _drop_unneeded_operators(graph: Any) -> None:
    needed, kept = set(graph.outputs), []
    for operator in reversed(graph.operators):  # they stand in the order in which they run
        if needed.intersection(operator.outputs):
            needed.update(operator.inputs)
            kept.append(operator)
    graph.operators = kept[::-1]


def _drop_unneeded_tensors(graph: Any) -> None:
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        for field in _FIELDS:
            used.update(_indices(operator, field))
    order = sorted(used - {-1})  # -1: an input that is left out
    new_index = {old: new for new, old in enumerate(order)} | {-1: -1}
    graph.tensors = [graph.tensors[old] for old in order]
    for owner in (graph, *graph.operators):
        for field in _FIELDS:
            if _indices(owner, field):
                setattr(owner, field, [new_index[old] for old in _indices(owner, field)])


def _indices(owner: Any, field: str) -> list[int]:
    indices = getattr(owner, field, None)  # a numpy array as read, a list as set, or None
    return [] if indices is None else [int(index) for index in indices]


def _drop_unneeded_buffers(model: Any) -> None:
    owners = [*(tensor for graph in model.subgraphs for tensor in graph.tensors), *(model.metadata or [])]
    order = sorted({0, *(owner.buffer for owner in owners)})  # 0 is the empty one, by convention
    new_index = {old: new for new, old in enumerate(order)}
    model.buffers = [model.buffers[old] for old in order]
    for owner in owners:
        owner.buffer = new_index[owner.buffer]
    model.metadataBuffer = None  # the older way to name them
