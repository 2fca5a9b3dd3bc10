"""V2 over REST, its tensors in the JSON or behind it (the protocol's binary extension).

The SDK's own reader turns every tensor into a Python list, which takes longer than the model, and fails on BYTES that
are no UTF-8: on every recording.
"""

from __future__ import annotations

from typing import Any

import orjson
from kserve import InferInput, InferRequest
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import RequestedOutput

_SIZE = "binary_data_size"


def read_binary_request(body: bytes, json_length: str, model_name: str) -> InferRequest:
    """Read a request.

    Args:
        body: JSON, and behind it the tensors that say `binary_data_size`.
        json_length: The header `Inference-Header-Content-Length`.
        model_name: The model's name on the route.

    Raises:
        InvalidInput: The parts do not fit together; the message says which.
    """
    if not json_length.isascii() or not json_length.isdecimal() or int(json_length) > len(body):
        raise InvalidInput(
            f"header Inference-Header-Content-Length: {json_length!r} is no length within the {len(body)} bytes sent"
        )
    head = _head(body[: int(json_length)])
    inputs, begin = [], int(json_length)
    for i, entry in enumerate(head["inputs"]):
        tensor, size_bytes = _tensor(entry, i)
        if size_bytes is not None:
            if begin + size_bytes > len(body):
                raise InvalidInput(f"inputs[{i}]: {_SIZE} {size_bytes} is more than the {len(body) - begin} bytes left")
            tensor._raw_data = body[begin : begin + size_bytes]
            begin += size_bytes
        inputs.append(tensor)
    if begin != len(body):
        raise InvalidInput(f"body: {len(body) - begin} bytes are left that no input claims")
    return InferRequest(
        model_name,
        inputs,
        request_id=head.get("id"),
        parameters=head.get("parameters"),
        request_outputs=_outputs(head.get("outputs")),
    )


def _head(encoded: bytes) -> dict[str, Any]:
    try:
        head = orjson.loads(encoded)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the first bytes are not JSON ({error})") from error
    if not isinstance(head, dict) or not isinstance(head.get("inputs"), list):
        raise InvalidInput('inputs: an object with a list "inputs" is needed before the tensors')
    for name, kind in (("id", str), ("parameters", dict), ("outputs", list)):
        if head.get(name) is not None and not isinstance(head[name], kind):
            raise InvalidInput(
                f"{name}: {'text' if kind is str else 'an object' if kind is dict else 'a list'} is needed"
            )
    return head


def _tensor(entry: Any, i: int) -> tuple[InferInput, int | None]:
    if not isinstance(entry, dict):
        raise InvalidInput(f"inputs[{i}]: an object is needed")
    name, datatype, shape = entry.get("name"), entry.get("datatype"), entry.get("shape")
    if not isinstance(name, str) or not isinstance(datatype, str):
        raise InvalidInput(f"inputs[{i}]: name and datatype are needed, as text")
    if not isinstance(shape, list) or not all(type(one) is int and one >= 0 for one in shape):
        raise InvalidInput(f"inputs[{i}].shape: a list of whole numbers is needed")
    parameters = entry.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidInput(f"inputs[{i}].parameters: an object is needed")
    size_bytes = parameters.get(_SIZE)
    if size_bytes is None and "data" not in entry:
        raise InvalidInput(f"inputs[{i}]: data, or parameters.{_SIZE}, is needed")
    if size_bytes is None and not isinstance(entry["data"], list):
        raise InvalidInput(f"inputs[{i}].data: a list is needed")
    if size_bytes is not None and (type(size_bytes) is not int or size_bytes < 0):
        raise InvalidInput(f"inputs[{i}].parameters.{_SIZE}: a number of bytes is needed")
    return InferInput(name, shape, datatype, data=entry.get("data"), parameters=parameters), size_bytes


def _outputs(entries: list[Any] | None) -> list[RequestedOutput] | None:
    if not entries:
        return None
    for i, one in enumerate(entries):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise InvalidInput(f"outputs[{i}]: an object with a name is needed")
        if not isinstance(one.get("parameters") or {}, dict):
            raise InvalidInput(f"outputs[{i}].parameters: an object is needed")
    return [RequestedOutput(name=one["name"], parameters=one.get("parameters")) for one in entries]
