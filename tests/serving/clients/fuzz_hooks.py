"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): what a schema cannot say of a request that is right."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

RECORDING = Path(os.environ["SILENCIO_RECORDING"]).read_bytes()
B64 = base64.b64encode(RECORDING).decode()
schemathesis.openapi.format("byte", st.just(B64))
for media_type in ("application/octet-stream", "audio/ogg", "audio/wav", "audio/flac", "audio/mpeg"):
    schemathesis.openapi.media_type(media_type, st.just(RECORDING))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Make right requests right: wrong ones stay as they are."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    body = case.body if isinstance(case.body, dict) else {}
    instances = body.get("instances")
    for fields in [case.query, body.get("parameters"), *(instances if isinstance(instances, list) else [])]:
        if isinstance(fields, dict):
            _fit_fields(fields)
    if case.headers and isinstance(session_id := case.headers.get("X-Session-ID"), str):
        case.headers["X-Session-ID"] = "".join(one if one.isprintable() else "n" for one in session_id)[:200]
    for name in ("X-Silencio-Site", "X-Silencio-Device"):
        if case.headers and isinstance(value := case.headers.get(name), str):
            case.headers[name] = "".join(one if one.isascii() and one.isalnum() else "n" for one in value)[:64]
    if isinstance(body.get("inputs"), list):
        body["inputs"] = [{"name": "audio", "datatype": "BYTES", "shape": [1], "data": [B64]}]
        # It is of features.
        (body.get("parameters") or {}).pop("spec_sha256", None)


def _fit_fields(fields: dict[str, Any]) -> None:
    """Text that can be printed, and a place that has two numbers or none."""
    for name in ("name", "session_id"):
        if isinstance(fields.get(name), str) and not fields[name].isprintable():
            fields[name] = "".join(one if one.isprintable() else "ñ" for one in fields[name])
    if (fields.get("latitude") is None) != (fields.get("longitude") is None):
        fields.pop("latitude", None)
        fields.pop("longitude", None)
