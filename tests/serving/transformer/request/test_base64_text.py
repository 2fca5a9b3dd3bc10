"""Base64 of recordings, a step at a time, is what it is at once."""

from __future__ import annotations

import base64
import random

import pytest
from kserve.errors import InvalidInput

from serving.transformer.request.base64_text import _STEP, decode_base64


@pytest.mark.parametrize("n_bytes", [0, 1, 2, 3, _STEP // 4 * 3 - 1, _STEP // 4 * 3, _STEP // 4 * 3 + 1, _STEP * 2])
def test_decode__around_the_edge_of_a_step(n_bytes: int) -> None:
    content = random.Random(n_bytes).randbytes(n_bytes)
    assert decode_base64(base64.b64encode(content).decode(), "body") == content


def test_decode__lines_may_be_broken() -> None:
    content = random.Random(5).randbytes(_STEP)
    assert decode_base64(base64.encodebytes(content).decode().replace("\n", "\r\n"), "body") == content


@pytest.mark.parametrize(
    "text",
    [
        "QQ",
        "QQ==QQ==",
        "Q!Q=",
        "ñandú===",
        "_-_-",
        # A padding at the end of a step, and more behind it.
        "A" * (_STEP - 2) + "==" + "AAAA",
        "A" * (_STEP - 1) + "=" + "AAAA",
        "A" * _STEP + "====",
    ],
)
def test_decode__what_is_none_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^instances\[3\]\.audio\.b64: not base64 \("):
        decode_base64(text, "instances[3].audio.b64")
