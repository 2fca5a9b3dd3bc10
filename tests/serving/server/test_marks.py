"""Whose word is taken for what a request is."""

from __future__ import annotations

import pytest

from serving.access import ApiKey
from serving.access.keys import Role
from serving.server.marks import MarkPolicy, Marks

SHADOW = {"x-silencio-shadow": "1", "x-silencio-request-id": "0f" * 16}
LOOPBACK, NEIGHBOUR = "127.0.0.1", "192.0.2.7"


def _key(role: Role) -> ApiKey:
    return ApiKey("one", b"", 60.0, 10, role)


@pytest.mark.parametrize(
    ("policy", "key", "peer", "is_believed"),
    [
        (MarkPolicy(LOOPBACK), None, LOOPBACK, True),
        (MarkPolicy("::1"), None, "::1", True),
        # A mesh's proxy hands strangers' requests on from the pod's own loopback.
        (MarkPolicy("0.0.0.0"), None, LOOPBACK, False),
        (MarkPolicy("0.0.0.0"), None, NEIGHBOUR, False),
        # What a proxy on this machine says of whom it asks for.
        (MarkPolicy(LOOPBACK), None, NEIGHBOUR, False),
        (MarkPolicy(LOOPBACK), None, "", False),
        (MarkPolicy(LOOPBACK, has_keys=True), None, LOOPBACK, False),
        (MarkPolicy(LOOPBACK, has_keys=True), _key("app"), LOOPBACK, False),
        (MarkPolicy(LOOPBACK, has_keys=True), _key("reviewer"), LOOPBACK, False),
        (MarkPolicy(LOOPBACK, has_keys=True), _key("admin"), LOOPBACK, True),
        (MarkPolicy("0.0.0.0", has_keys=True), _key("admin"), NEIGHBOUR, True),
        (MarkPolicy("0.0.0.0", of_everybody=True), None, NEIGHBOUR, True),
        (MarkPolicy("0.0.0.0", has_keys=True, of_everybody=True), _key("app"), NEIGHBOUR, True),
        (MarkPolicy(), None, LOOPBACK, False),
    ],
)
def test_marks__are_believed_of_few(policy: MarkPolicy, key: ApiKey | None, peer: str, is_believed: bool) -> None:
    assert policy.read(SHADOW, key, peer) == (Marks("shadow", request_id="0f" * 16) if is_believed else Marks())


@pytest.mark.parametrize(
    ("headers", "marks"),
    [
        ({}, Marks()),
        ({"x-silencio-shadow": "0"}, Marks()),
        ({"x-silencio-simulated": "1"}, Marks("simulated")),
        ({"x-silencio-arm": "challenger", "x-silencio-release": "r-13.a"}, Marks("visitor", "challenger", "r-13.a")),
        ({"x-silencio-arm": "somebody", "x-silencio-release": "a\nb"}, Marks()),
        ({"x-silencio-release": "x" * 65}, Marks()),
        # The id of another request is taken of a copy of it alone.
        ({"x-silencio-request-id": "0f" * 16}, Marks()),
        ({"x-silencio-simulated": "1", "x-silencio-request-id": "0f" * 16}, Marks("simulated")),
        ({"x-silencio-shadow": "1", "x-silencio-request-id": "../../etc"}, Marks("shadow")),
    ],
)
def test_marks__that_make_no_sense_are_as_if_they_were_not_there(headers: dict[str, str], marks: Marks) -> None:
    assert MarkPolicy(LOOPBACK).read(headers, None, LOOPBACK) == marks
