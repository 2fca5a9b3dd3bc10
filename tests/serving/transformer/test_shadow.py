"""Copies of requests for another bundle: what is sent, what is dropped, and that no visitor notices any of it."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from prometheus_client import REGISTRY

from serving.client import Client
from serving.metrics import process
from serving.server.accounting import RequestAccount
from serving.server.marks import Marks
from serving.settings.shadow import ShadowSettings
from serving.transformer.request import (
    EncodedRecording,
    GivenFeatures,
    ParsedRequest,
    PredictOptions,
    RecordingMetadata,
)
from serving.transformer.shadow import ShadowTraffic, open_shadow
from silencio.errors import ConfigError
from silencio.network import free_ports
from tests.serving.answering import Answering, answering
from tests.waiting import HANG_S, until

REQUEST_ID = "00" + "ab" * 15
MARKED = {"X-Silencio-Shadow": "1"}
PLACE = RecordingMetadata.model_validate(
    {"latitude": 6.7, "longitude": -74.2, "session_id": "walk 7", "name": "dawn & dusk.ogg"}
)


@pytest.fixture
def target() -> Iterator[Answering]:
    """The other transformer, which believes that copies are copies."""
    with answering() as one:
        one.default = (200, {}, MARKED)
        yield one


@contextlib.contextmanager
def shadowing(url: str, share: float = 1.0, **limits: int) -> Iterator[ShadowTraffic]:
    traffic = ShadowTraffic(Client(url, HANG_S), share, **limits)
    yield traffic
    traffic.close(HANG_S)


def _answered(
    traffic: ShadowTraffic,
    *contents: bytes,
    request_id: str = REQUEST_ID,
    account: RequestAccount | None = None,
    options: PredictOptions | None = None,
    **headers: str,
) -> None:
    """A request that came and was answered."""
    account = account or RequestAccount()
    recordings = tuple(EncodedRecording(f"[{i}]", content, PLACE) for i, content in enumerate(contents or (b"OggS",)))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    traffic.follow(account, ParsedRequest(recordings, options=options or PredictOptions()), request_id, named)
    if account.on_answered is not None:
        account.on_answered()


def test_copy__is_the_recording_as_it_came_under_the_same_id(target: Answering) -> None:
    content = bytes(range(256))
    with shadowing(target.url) as traffic:
        _answered(traffic, content, options=PredictOptions(truncated="refuse"), x_request_id="walk-7/3")
        until(lambda: traffic.n_sent == 1)
    assert target.bodies == [content]
    headers = target.headers[0]
    assert headers["x-silencio-shadow"] == "1"
    assert (headers["x-silencio-request-id"], headers["x-request-id"]) == (REQUEST_ID, "walk-7/3")
    address = urlsplit(target.paths[0])
    assert address.path == "/v1/models/silencio:predict"
    query = {name: values for name, values in parse_qs(address.query).items() if name not in ("top_k", "truncated")}
    assert query == {
        "latitude": ["6.7"],
        "longitude": ["-74.2"],
        "session_id": ["walk 7"],
        "name": ["dawn & dusk.ogg"],
        "priority": ["batch"],
    }
    assert parse_qs(address.query)["truncated"] == ["refuse"]


@pytest.mark.parametrize("release_id", ["r-13", ""])
def test_copy__is_of_the_release_by_which_the_visitors_request_came(target: Answering, release_id: str) -> None:
    """It goes past the proxy that knows it; rows without it are no release's evidence."""
    with shadowing(target.url) as traffic:
        _answered(traffic, account=RequestAccount(release_id=release_id))
        until(lambda: traffic.n_sent == 1)
    assert target.headers[0].get("x-silencio-release", "") == release_id


@pytest.mark.parametrize(
    ("named", "key_name", "device_id"),
    [({}, "guide", "guide"), ({"device_id": "SMA01234"}, "guide", "SMA01234"), ({}, "", None), ({}, "_guide", None)],
)
def test_copy__names_the_recorder_that_the_visitors_key_stands_for(
    target: Answering, named: dict[str, str], key_name: str, device_id: str | None
) -> None:
    """A copy comes with the key of who sends copies, which stands for no recorder."""
    place = RecordingMetadata.model_validate(named)
    with shadowing(target.url) as traffic:
        account = RequestAccount(key_name=key_name)
        traffic.follow(account, ParsedRequest((EncodedRecording("body", b"OggS", place),)), REQUEST_ID, {})
        assert account.on_answered is not None
        account.on_answered()
        until(lambda: traffic.n_sent == 1)
    assert parse_qs(urlsplit(target.paths[0]).query).get("device_id", [None])[0] == device_id


def test_copy__of_several_recordings_keeps_their_places_by_which_predictions_are_named(target: Answering) -> None:
    with shadowing(target.url) as traffic:
        _answered(traffic, b"first", b"second")
        until(lambda: traffic.n_sent == 1)
    sent: dict[str, Any] = json.loads(target.bodies[0])
    assert [base64.b64decode(one["audio"]["b64"]) for one in sent["instances"]] == [b"first", b"second"]
    assert {one["session_id"] for one in sent["instances"]} == {"walk 7"}
    assert sent["parameters"]["priority"] == "batch"


@pytest.mark.parametrize("traffic", ["shadow", "simulated"])
def test_copy__is_never_made_of_what_is_no_visitors(target: Answering, traffic: Any) -> None:
    with shadowing(target.url) as shadow:
        _answered(shadow, account=RequestAccount(marks=Marks(traffic)))
        _answered(shadow, b"a visitor's")
        until(lambda: shadow.n_sent == 1)
    assert target.bodies == [b"a visitor's"]


def test_copy__is_not_made_before_the_answer(target: Answering) -> None:
    with shadowing(target.url) as traffic:
        account = RequestAccount()
        traffic.follow(account, ParsedRequest((EncodedRecording("", b"OggS"),)), REQUEST_ID, {})
        assert account.on_answered is not None
        _answered(traffic, b"of another")
        until(lambda: traffic.n_sent == 1)
    assert target.bodies == [b"of another"]


def test_copy__is_not_made_of_features(target: Answering) -> None:
    """Another bundle may have other ones."""
    with shadowing(target.url) as traffic:
        account = RequestAccount()
        given = GivenFeatures(np.zeros((1, 2, 2), np.float32))
        traffic.follow(account, ParsedRequest(features=given), REQUEST_ID, {})
        assert account.on_answered is None


def test_share__decides_by_the_id(target: Answering) -> None:
    ids = [f"{i:02x}" + "0" * 30 for i in range(256)]

    def copied(share: float) -> int:
        with shadowing(target.url, share) as traffic:
            accounts = [RequestAccount() for _ in ids]
            for request_id, account in zip(ids, accounts, strict=True):
                traffic.follow(account, ParsedRequest((EncodedRecording("", b"x"),)), request_id, {})
            return sum(account.on_answered is not None for account in accounts)

    assert [copied(share) for share in (0.0, 0.25, 1.0)] == [0, 64, 256]


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers, until the test is over."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_full__a_target_that_hangs_holds_a_few_copies_and_nobody_up(silent: str) -> None:
    traffic = ShadowTraffic(Client(silent, HANG_S), 1.0, max_copies=3)
    for _ in range(10):
        _answered(traffic)
    assert dict(traffic.n_dropped) == {"full": 7}
    traffic.close(0.0)  # the copy that is on its way is left to itself
    assert traffic.n_dropped["full"] == 7
    assert traffic.n_dropped["closed"] in (2, 3)
    _answered(traffic)
    assert traffic.n_sent == 0


def test_full__by_the_bytes_of_recordings(silent: str) -> None:
    traffic = ShadowTraffic(Client(silent, HANG_S), 1.0, max_bytes=100)
    _answered(traffic, b"x" * 101)
    _answered(traffic, b"x" * 60)
    _answered(traffic, b"x" * 60)
    _answered(traffic, b"x" * 40)
    assert dict(traffic.n_dropped) == {"full": 2}
    traffic.close(0.0)


def test_full__room_comes_back_when_a_copy_was_sent(target: Answering) -> None:
    with shadowing(target.url, max_copies=1) as traffic:
        for n_sent in (1, 2, 3):
            until(lambda: traffic._n_held == 0)
            _answered(traffic)
            until(lambda: traffic.n_sent == n_sent)  # noqa: B023
    assert not traffic.n_dropped


def test_unreachable__a_target_that_is_away_is_left_alone_for_a_while() -> None:
    with shadowing(f"http://127.0.0.1:{free_ports(1)[0]}") as traffic:
        _answered(traffic)
        until(lambda: traffic.n_dropped["unreachable"] == 1)
        for _ in range(5):
            _answered(traffic)
        assert dict(traffic.n_dropped) == {"unreachable": 6}


def test_unmarked__a_target_that_counts_copies_as_visitors_gets_no_more(target: Answering) -> None:
    target.default = (200, {}, {})
    with shadowing(target.url) as traffic:
        _answered(traffic)
        until(lambda: traffic.n_dropped["unmarked"] == 1)
        for _ in range(5):
            _answered(traffic)
    assert dict(traffic.n_dropped) == {"unmarked": 6}
    assert len(target.bodies) == 1


@pytest.mark.parametrize(
    ("status", "reason"), [(429, "busy"), (503, "busy"), (400, "refused"), (401, "refused"), (500, "refused")]
)
def test_drop__what_the_target_does_not_answer_is_counted_and_not_tried_again(
    target: Answering, status: int, reason: str
) -> None:
    target.answers = [(status, {"error": "no"}, {})]
    with shadowing(target.url) as traffic:
        _answered(traffic)
        until(lambda: traffic.n_dropped[reason] == 1)
        _answered(traffic)
        until(lambda: traffic.n_sent == 1)
    assert len(target.bodies) == 2


def test_metrics__begin_at_0_and_grow(target: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_served_version", "of the shadow")

    def value(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"silencio_shadow_{name}_total", {"version": "of the shadow", **labels})

    target.answers = [(503, {"error": "busy"}, {})]
    with shadowing(target.url) as traffic:
        assert [value("sent"), value("dropped", reason="full"), value("dropped", reason="unmarked")] == [0, 0, 0]
        _answered(traffic)
        until(lambda: value("dropped", reason="busy") == 1)
        _answered(traffic)
        until(lambda: value("sent") == 1)
    assert value("dropped", reason="full") == 0


def test_settings__none_send_nothing() -> None:
    assert open_shadow(ShadowSettings(), "silencio") is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shadow": "127.0.0.1:8080"}, "--shadow: '127.0.0.1:8080' is no address"),
        ({"shadow": "http://127.0.0.1:1", "shadow_key": "absent"}, "--shadow_key absent cannot be read"),
        ({"shadow": "http://192.0.2.1:1", "shadow_key": "key"}, "in clear.*allow it by --shadow_key_in_clear"),
        ({"shadow": "http://127.0.0.1:1", "shadow_key": "empty"}, "--shadow_key empty is empty"),
    ],
)
def test_settings__that_cannot_be_used_end_the_server_with_a_sentence(
    settings: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("silencio_0\n")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match=message):
        open_shadow(ShadowSettings(**settings), "silencio")


@pytest.mark.parametrize("share", ["1.5", "-0.1", "nan", "half"])
def test_settings__a_share_is_from_0_to_1(share: str) -> None:
    with pytest.raises(ConfigError, match="a share from 0 to 1 is needed"):
        ShadowSettings(shadow_share=share)
