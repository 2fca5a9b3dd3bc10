"""Large requests are parsed beside the event loop, by whatever protocol they came."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from kserve import InferInput, InferRequest

from serving.server.protocol import LARGE_BODY_BYTES
from serving.transformer.request import parse, parse_request


def _request(n_bytes: int) -> InferRequest:
    tensor = InferInput("audio", [1], "BYTES")
    tensor._raw_data = bytes(n_bytes)
    return InferRequest("silencio", [tensor])


@pytest.mark.parametrize(
    ("payload", "headers", "is_beside"),
    [
        ({}, {"content-length": str(LARGE_BODY_BYTES + 1)}, True),
        ({}, {"content-length": str(LARGE_BODY_BYTES)}, False),
        (b"RIFF", {"content-length": "4"}, False),
        ({}, {}, False),
        ({}, None, False),
        # gRPC's requests have no length in their head.
        (_request(LARGE_BODY_BYTES + 1), {}, True),
        (_request(100), {}, False),
    ],
)
def test_parse_request__in_a_thread_where_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, payload: Any, headers: dict[str, str] | None, is_beside: bool
) -> None:
    found: list[int] = []

    def parse_payload(*arguments: Any) -> None:
        assert arguments[:2] == (payload, headers)
        found.append(threading.get_ident())

    monkeypatch.setattr(parse, "parse_payload", parse_payload)
    asyncio.run(parse_request(payload, headers, None, (), 1))  # type: ignore[arg-type]
    assert (found != [threading.get_ident()]) is is_beside
