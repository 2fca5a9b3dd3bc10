"""Bodies that nobody named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serving.server.media_types import is_json, is_text, is_unspecific


@pytest.mark.parametrize(
    ("content_type", "nothing"),
    [
        ("", True),
        ("application/octet-stream", True),
        ("Application/Octet-Stream; charset=binary", True),
        ("binary/octet-stream", True),
        ("application/x-www-form-urlencoded", True),
        ("audio/ogg", False),
        ("application/json", False),
        ("text/plain;charset=UTF-8", False),
        ("multipart/form-data; boundary=x", False),
    ],
)
def test_is_unspecific__what_clients_send_when_nobody_chose(content_type: str, nothing: bool) -> None:
    assert is_unspecific(content_type) is nothing


@pytest.mark.parametrize("container", ["OGG", "WAV", "FLAC", "MP3", "AIFF", "AU", "CAF", "RF64", "W64", "VOC"])
def test_is_text__no_recording_is(recording: Callable[..., bytes], container: str) -> None:
    encoded = recording(0.5, container)
    assert not is_text(encoded)
    assert not is_json(encoded)


@pytest.mark.parametrize(
    ("body", "json"),
    [
        (b'{"instances": []}', True),
        (b" \r\n\t[1]", True),
        (b'\xef\xbb\xbf{"a": 1}', True),
        (b'{"name": "' + "ñ".encode() * 600, True),
        (b'{"name": "a' + "ñ".encode() * 600, True),
        (b"", False),
        (b"a=b&c=d", False),
        (b"null", False),
    ],
)
def test_is_json__text_that_begins_so(body: bytes, json: bool) -> None:
    assert is_text(body)
    assert is_json(body) is json


def test_is_json__a_recording_that_begins_with_a_brace_is_none() -> None:
    assert not is_json(b"{\x00\x01\xff" * 100)
