"""Parses requests of every protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from kserve import InferRequest
from kserve.errors import InvalidInput

from serving.server.accounting import session_in, session_in_header
from serving.server.media_types import is_json, is_text, is_unspecific, media_type
from serving.server.protocol import (
    DEVICE_HEADER,
    LARGE_BODY_BYTES,
    OPERATION_HEADER,
    QUERY_HEADER,
    SESSION_QUERY,
    SITE_HEADER,
)
from serving.transformer.request.fields import recorder_id_of, session_of
from serving.transformer.request.parsed_request import ParsedRequest
from serving.transformer.request.upload import read_query, read_upload
from serving.transformer.request.v1 import read_v1
from serving.transformer.request.v2 import read_v2
from silencio.detections.formats import FORMATS
from silencio.features import FeatureSpec

_TAKEN = "send application/json, or a recording's own bytes as audio/ogg, audio/wav, audio/flac or audio/mpeg"


async def parse_request(
    payload: object, headers: Mapping[str, str] | None, spec: FeatureSpec, inputs: tuple[str, ...], max_windows: int
) -> ParsedRequest:
    """`parse_payload`, beside the event loop where the body is large: base64 of ten minutes takes half a second."""
    arguments = (payload, headers, spec, inputs, max_windows)
    if _n_body_bytes(payload, headers or {}) <= LARGE_BODY_BYTES:
        return parse_payload(*arguments)
    return await asyncio.to_thread(parse_payload, *arguments)


def _n_body_bytes(payload: object, headers: Mapping[str, str]) -> int:
    """Size of the body by the head, which the middleware keeps true; gRPC's calls have none."""
    length = headers.get("content-length", "")
    if not length and isinstance(payload, InferRequest):
        return sum(len(tensor._raw_data or b"") for tensor in payload.inputs)
    return int(length) if length.isdecimal() else 0


def parse_payload(
    payload: object, headers: Mapping[str, str] | None, spec: FeatureSpec, inputs: tuple[str, ...], max_windows: int
) -> ParsedRequest:
    """Parse what the SDK hands on: a V2 request, a parsed JSON body, or bytes of any other content type.

    Args:
        payload: The body as the SDK hands it on.
        headers: The request's headers, in lower case.
        spec: The bundle's feature definition.
        inputs: Names of the graph's inputs.
        max_windows: Most windows of features that a device computed.

    Raises:
        InvalidInput: It is nothing that is taken; the message names the field.
    """
    headers = headers or {}
    if isinstance(payload, InferRequest):
        return _with_head(read_v2(payload, spec, inputs, max_windows), headers)
    operation = headers.get(OPERATION_HEADER, "")
    if isinstance(payload, bytes) and _is_recording(payload, headers.get("content-type", "")):
        if operation == "predict_table":
            raise InvalidInput(f"body: JSON is needed at {operation}; a recording's own bytes are for upload_table")
        parsed = read_upload(payload, headers.get(QUERY_HEADER, ""))
    else:
        parsed = _read_json(payload, headers.get(QUERY_HEADER, ""), operation)
    _check_format(parsed, operation)
    return _with_head(parsed, headers)


def _with_head(parsed: ParsedRequest, headers: Mapping[str, str]) -> ParsedRequest:
    """With what the head names and a recording does not."""
    for field, header in (("site_id", SITE_HEADER), ("device_id", DEVICE_HEADER)):
        named = headers.get(header)
        if named and any(getattr(one, field) is None for one in parsed.metadata):
            parsed = parsed.with_metadata(field, recorder_id_of(named, header.title()))
    return _in_session(parsed, headers)


def _in_session(parsed: ParsedRequest, headers: Mapping[str, str]) -> ParsedRequest:
    """Where body and upload name no session: the header's, else the query's, both of which a proxy can read."""
    if all(one.session_id for one in parsed.metadata):
        return parsed
    if session_id := session_in_header(headers):
        return parsed.with_metadata("session_id", session_of(session_id, "X-Session-ID"))
    if session_id := session_in(headers.get(QUERY_HEADER, "")):
        return parsed.with_metadata("session_id", session_of(session_id, f"query.{SESSION_QUERY}"))
    return parsed


def _read_json(payload: object, query: str, operation: str) -> ParsedRequest:
    if operation in ("upload", "upload_table"):
        other = operation.replace("upload", "predict")
        raise InvalidInput(f"body: a recording's own bytes are needed at {operation}; JSON is for {other}")
    if isinstance(payload, bytes):
        payload = _parse_json(payload)
    options = read_query(query)
    options.pop(SESSION_QUERY, None)
    if options:
        raise InvalidInput(f"query.{next(iter(options))}: the options of a JSON request stand in its parameters")
    if not isinstance(payload, dict):
        raise InvalidInput(f'body: an object with "instances" is needed, this is {_kind(payload)}; {_TAKEN}')
    return read_v1(payload)


def _check_format(parsed: ParsedRequest, operation: str) -> None:
    """Each operation gives one kind of answer; `predict` itself gives all."""
    is_table = parsed.options.format != "json"
    if is_table and operation == "upload":
        raise InvalidInput("query.format: upload answers JSON; tables are upload_table's")
    if not is_table and operation in ("predict_table", "upload_table"):
        place = "parameters" if operation == "predict_table" else "query"
        *others, last = FORMATS
        raise InvalidInput(f"{place}.format: a table's format is needed at {operation}: {', '.join(others)} or {last}")


def _is_recording(body: bytes, content_type: str) -> bool:
    """Else it is JSON, or is to be."""
    kind = media_type(content_type)
    if kind.startswith("audio/") or kind == "application/ogg":
        return True
    if kind == "application/json":
        return False
    label = f"Content-Type {content_type[:100]!a}" if content_type else "no Content-Type"
    # A browser's `fetch` and beacons call every text so.
    if kind == "text/plain" and is_json(body):
        return False
    if not is_unspecific(content_type):
        raise InvalidInput(f"{label} is not taken: {_TAKEN}")
    if is_json(body):
        return False
    if is_text(body):
        raise InvalidInput(f"body: {'text that is not JSON' if body else 'is empty'}, with {label}: {_TAKEN}")
    # As behind audio/…, the bytes themselves decide how they are decoded.
    return True


def _parse_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"body: not JSON ({error})") from error


def _kind(value: object) -> str:
    names = {list: "a list", str: "text", bool: "a truth value", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), type(value).__name__)
