"""A V2 request to the predictor: its tensors against what the graph takes, and its priority."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import cast, get_args

import numpy as np
from kserve import InferInput, InferRequest
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import to_http_parameters
from kserve.utils.numpy_codec import from_np_dtype
from numpy.typing import NDArray

from serving.server.protocol import Priority
from silencio.bundle import GraphInput
from silencio.bundle.graph import MAX_RUN_WINDOWS


def datatype_of(entry: GraphInput) -> str:
    """The V2 name of an input's type: FP32, INT16."""
    return str(from_np_dtype(np.dtype(entry.dtype)))


def read_priority(request: InferRequest) -> Priority:
    """The request's parameter `priority`; `interactive` where it names none.

    Raises:
        InvalidInput: It is neither `interactive` nor `batch`.
    """
    priority = to_http_parameters(request.parameters or {}).get("priority", "interactive")
    for one in get_args(Priority):
        if priority == one:
            return cast(Priority, one)
    raise InvalidInput(f'parameters.priority: "interactive" or "batch" is needed, this is {priority!r}')


def read_tensors(request: InferRequest, entries: Sequence[GraphInput]) -> dict[str, NDArray[np.generic]]:
    """The graph's inputs as a request holds them.

    Raises:
        InvalidInput: A tensor is missing, not an input, or of another type or shape; the message says which.
    """
    wanted: dict[str, GraphInput] = {entry.name: entry for entry in entries}
    names = [tensor.name for tensor in request.inputs]
    if sorted(names) != sorted(wanted):
        raise InvalidInput(f"inputs: the graph takes {_listed(wanted)}, the request has {_listed(names)}")
    tensors = {tensor.name: _read(tensor, wanted[tensor.name]) for tensor in request.inputs}
    n_windows = {name: len(array) for name, array in tensors.items()}
    if len(set(n_windows.values())) > 1:
        raise InvalidInput(f"inputs: one number of windows is needed, these differ: {n_windows}")
    return tensors


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _read(tensor: InferInput, entry: GraphInput) -> NDArray[np.generic]:
    datatype = datatype_of(entry)
    if tensor.datatype != datatype:
        raise InvalidInput(f"inputs.{entry.name}: datatype {datatype} is needed, this is {tensor.datatype}")
    shape = list(tensor.shape)
    if shape[1:] != list(entry.shape) or not 1 <= shape[0] <= MAX_RUN_WINDOWS:
        raise InvalidInput(
            f"inputs.{entry.name}: shape [1 to {MAX_RUN_WINDOWS}, {', '.join(map(str, entry.shape))}] is needed, "
            f"this is {shape}"
        )
    try:
        array = tensor.as_numpy()
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(
            f"inputs.{entry.name}: the data do not hold {math.prod(shape)} numbers of type {datatype}"
        ) from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidInput(f"inputs.{entry.name}: every number must be finite")
    return np.asarray(array)
