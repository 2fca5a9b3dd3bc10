"""API keys and quotas."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from grpc import StatusCode, aio
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelReadyRequest, ServerLiveRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from serving.access import AccessError, Authenticator, TokenBucket, read_keys
from serving.access.keys import COLUMNS, add_key
from serving.local.server_process import ServerProcess
from silencio.__main__ import main
from silencio.errors import ConfigError
from silencio.network import free_ports
from tests.waiting import HANG_S, until

HEADER = ",".join(COLUMNS)
WITHOUT_ROLE = "name,sha256,requests_per_minute,burst"
SHA = "0" * 64
Capture = pytest.CaptureFixture[str]


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.csv"


def _bearer(key: str) -> str:
    return f"Bearer {key}"


def test_new__prints_the_key_once_and_keeps_its_hash(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "ranger", "--keys", str(keys), "--requests-per-minute", "30"]) == 0
    key = capsys.readouterr().out.strip()
    line = f"ranger,{hashlib.sha256(key.encode()).hexdigest()},30,,app"
    assert keys.read_text() == f"{HEADER}\n{line}\n"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert len(key) > 40
    assert Authenticator(keys).authenticate(_bearer(key), None).name == "ranger"


def test_new__takes_the_former_spelling_of_a_quota_and_shows_the_one_of_all_commands(
    keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "new", "ranger", "--keys", str(keys), "--requests_per_minute", "30"]) == 0
    assert [key.requests_per_minute for key in read_keys(keys)] == [30.0]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["keys", "new", "--help"])
    shown = capsys.readouterr().out
    assert "--requests-per-minute" in shown
    assert "--requests_per_minute" not in shown


@pytest.mark.parametrize(
    ("words", "role"), [([], "app"), (["--role", "reviewer"], "reviewer"), (["--role", "admin"], "admin")]
)
def test_new__a_key_has_the_role_that_is_named(keys: Path, words: list[str], role: str, capsys: Capture) -> None:
    assert main(["keys", "new", "ranger", "--keys", str(keys), *words]) == 0
    key = capsys.readouterr().out.strip()
    assert Authenticator(keys).authenticate(None, key).role == role


def test_keys_file__from_before_there_were_roles_is_of_apps(keys: Path) -> None:
    keys.write_text(f"{WITHOUT_ROLE}\nold,{SHA},60,\n")
    key = add_key(keys, "new", 60, 5)
    assert keys.read_text().startswith(f"{WITHOUT_ROLE}\nold,{SHA},60,\nnew,")
    assert [(one.name, one.burst, one.role) for one in read_keys(keys)] == [("old", 10, "app"), ("new", 5, "app")]
    assert Authenticator(keys).authenticate(None, key).role == "app"


def test_keys_file__from_before_there_were_roles_says_what_another_role_needs(keys: Path) -> None:
    keys.write_text(before := f"{WITHOUT_ROLE}\nold,{SHA},60,\n")
    with pytest.raises(ConfigError, match="write ,role at the end of its first line, and try again"):
        add_key(keys, "new", 60, 5, "reviewer")
    assert keys.read_text() == before
    keys.write_text(before.replace(WITHOUT_ROLE, f"{WITHOUT_ROLE},role"))
    add_key(keys, "new", 60, 5, "reviewer")
    assert [(one.name, one.role) for one in read_keys(keys)] == [("old", "app"), ("new", "reviewer")]


def test_new__adds_to_a_file_whose_last_line_does_not_end(keys: Path) -> None:
    keys.write_text(f"{HEADER}\nold,{SHA},60,")
    add_key(keys, "new", 60, 5)
    assert [(key.name, key.burst) for key in read_keys(keys)] == [("old", 10), ("new", 5)]


@pytest.mark.parametrize(("mark", "delimiter"), [(b"\xef\xbb\xbf", ","), (b"", ";"), (b"\xef\xbb\xbf", ";")])
def test_keys_file__as_excel_saves_it(keys: Path, mark: bytes, delimiter: str) -> None:
    keys.write_bytes(mark + f"{HEADER}\r\nold,{SHA},60,\r\n,,,\r\n".replace(",", delimiter).encode())
    add_key(keys, "new", 60, 5)
    assert [(key.name, key.burst) for key in read_keys(keys)] == [("old", 10), ("new", 5)]


def test_new__does_not_spoil_a_file_in_another_encoding(keys: Path) -> None:
    keys.write_bytes(f"{HEADER}\nold,{SHA},60,\n".encode("utf-16"))
    before = keys.read_bytes()
    assert [key.name for key in read_keys(keys)] == ["old"]
    with pytest.raises(ConfigError, match="is not in UTF-8: save it as UTF-8, then add to it"):
        add_key(keys, "new", 60, 5)
    assert keys.read_bytes() == before


@pytest.mark.parametrize("arguments", [["old"], ["two words"], ["new", "--requests-per-minute", "0"]])
def test_new__leaves_the_file_alone_when_it_refuses(
    keys: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    keys.write_text(f"{HEADER}\nold,{SHA},60,\n")
    assert main(["keys", "new", *arguments, "--keys", str(keys)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert keys.read_text() == f"{HEADER}\nold,{SHA},60,\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", f"its first line must be {HEADER}"),
        (f"name,sha256\na,{SHA}\n", "its first line must be"),
        (f"{HEADER}\na,{SHA},60,\nb,{SHA},60,\n", f"the sha256 {SHA} stands there twice"),
        (f"{HEADER}\na,{SHA},60,\na,{SHA[:-1]}1,60,\n", "the name a stands there twice"),
        (f"{HEADER}\na,{SHA[1:]},60,\n", "line 2: sha256"),
        (f"{HEADER}\na,{SHA},60,\nb,{SHA[:-1]}1,often,\n", "line 3: requests_per_minute"),
        (f"{HEADER}\na,{SHA},inf,\n", "line 2: requests_per_minute"),
        (f"{HEADER}\na,{SHA},60,0\n", "line 2: burst"),
        (f"{HEADER}\na,{SHA},60,1,more\n", "line 2: role"),
        (f"{HEADER}\na,{SHA}\n", "line 2: requests_per_minute"),
    ],
)
def test_keys_file__a_wrong_one_is_refused_by_its_line(keys: Path, content: str, message: str) -> None:
    keys.write_text(content)
    with pytest.raises(ConfigError) as caught:
        Authenticator(keys)
    assert message in str(caught.value)


def test_authenticate__either_header_and_no_other_key(keys: Path) -> None:
    key = add_key(keys, "ranger", 600, None)
    access = Authenticator(keys)
    for headers in ((f"bearer   {key} ", None), (None, key), ("Basic dXNlcjpwYXNz", key)):
        assert access.authenticate(*headers).name == "ranger"
    for authorization, api_key in [(None, None), ("", ""), (key, None), ("Bearer", None), (_bearer(key + "x"), None)]:
        with pytest.raises(AccessError) as caught:
            access.authenticate(authorization, api_key)
        assert caught.value.retry_after_s == 0
        assert key not in caught.value.reason


def test_quota__burst_then_the_rate_then_a_pause(keys: Path, clock: Clock) -> None:
    key = add_key(keys, "ranger", 30, 3)
    access = Authenticator(keys, clock)
    for _ in range(3):
        access.authenticate(None, key)
    with pytest.raises(AccessError) as caught:
        access.authenticate(None, key)
    assert caught.value.retry_after_s == 2
    clock.now_s += 2.0
    access.authenticate(None, key)
    clock.now_s += 3_600.0
    for _ in range(3):
        access.authenticate(None, key)
    with pytest.raises(AccessError):
        access.authenticate(None, key)


def test_quota__one_keys_use_does_not_touch_anothers(keys: Path, clock: Clock) -> None:
    first, second = add_key(keys, "first", 1, 1), add_key(keys, "second", 1, 1)
    access = Authenticator(keys, clock)
    access.authenticate(None, first)
    assert access.authenticate(None, second).name == "second"


def test_bucket__who_asks_all_the_time_gets_the_rate() -> None:
    bucket = TokenBucket(5, 0.0)
    n_taken = sum(bucket.take(now_ms / 1_000, per_minute=60, burst=5) == 0.0 for now_ms in range(0, 60_000, 10))
    assert n_taken == 5 + 59


def test_revoked__stops_within_seconds_and_others_keep_what_they_used(keys: Path, clock: Clock) -> None:
    kept, revoked = add_key(keys, "kept", 6, 1), add_key(keys, "revoked", 60, None)
    access = Authenticator(keys, clock)
    access.authenticate(None, kept)
    access.authenticate(None, revoked)
    keys.write_text("".join(line for line in keys.read_text().splitlines(True) if "revoked" not in line))
    clock.now_s += 2.1
    with pytest.raises(AccessError, match="not known"):
        access.authenticate(None, revoked)
    with pytest.raises(AccessError, match="may send 6 requests a minute"):
        access.authenticate(None, kept)


def test_broken_file__keeps_the_keys_and_is_logged_once(
    keys: Path, clock: Clock, server_log: Callable[[], list[str]]
) -> None:
    key = add_key(keys, "ranger", 600, None)
    access = Authenticator(keys, clock)
    keys.write_text("half a li")
    for _ in range(5):
        clock.now_s += 3.0
        assert access.authenticate(None, key).name == "ranger"
    keys.unlink()
    clock.now_s += 3.0
    assert access.authenticate(None, key).name == "ranger"
    reply = [message for message in server_log() if message.startswith("the keys stay as they were")]
    assert len(reply) == 2


def test_secret_of_kubernetes__changes_by_a_link(tmp_path: Path, clock: Clock) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    old = add_key(tmp_path / "a" / "keys.csv", "old", 60, None)
    new = add_key(tmp_path / "b" / "keys.csv", "new", 60, None)
    (tmp_path / "data").symlink_to("a")
    access = Authenticator(tmp_path / "data" / "keys.csv", clock)
    access.authenticate(None, old)
    (tmp_path / "data.new").symlink_to("b")
    (tmp_path / "data.new").replace(tmp_path / "data")
    clock.now_s += 3.0
    assert access.authenticate(None, new).name == "new"


@contextlib.contextmanager
def predictor(bundle: Path, log: Path, *options: str) -> Iterator[tuple[ServerProcess, str]]:
    """A real server; the predictor, because it needs no other."""
    rest, grpc = free_ports(2)
    server = ServerProcess.start(
        "serving.predictor",
        ["--bundle", str(bundle), "--http_port", str(rest), "--grpc_port", str(grpc), *options],
        f"http://127.0.0.1:{rest}",
        log,
    )
    try:
        yield server, f"127.0.0.1:{grpc}"
    finally:
        server.stop()


def test_server__asks_for_a_key_by_both_protocols_but_not_probes(bundle_directory: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.csv"
    # Three requests, and nothing more for an hour and a half.
    key = add_key(keys, "ranger", 0.01, 3)
    infer, metadata = "/v2/models/silencio/infer", "/v2/models/silencio"
    with predictor(bundle_directory, tmp_path / "log", "--keys", str(keys)) as (server, grpc_address):
        until(lambda: server.readiness().ready, server.last_lines)  # asked without a key
        with httpx.Client(base_url=server.url, trust_env=False, timeout=HANG_S) as client:
            for route in ("/", "/metrics", "/v2/health/live", "/v2/health/ready", "/v1/models/silencio"):
                assert client.get(route).status_code == 200, route
            for route in (metadata, "/v2/models", "/nowhere"):
                assert client.get(route).status_code == 401, route
            refused = client.post(infer, content=b"x" * (20 << 20))
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert refused.headers["x-request-id"]
            assert client.post(infer, json={}, headers={"X-API-Key": "wrong"}).status_code == 401
            assert client.get(metadata, headers={"X-API-Key": key}).status_code == 200
            assert client.post(infer, json={}, headers={"Authorization": _bearer(key)}).status_code == 400
        assert asyncio.run(_grpc_statuses(grpc_address, key)) == ["OK", "OK", "UNAUTHENTICATED", "INVALID_ARGUMENT"]

        def sent() -> httpx.Response:
            return httpx.get(server.url + metadata, headers={"X-API-Key": key}, trust_env=False, timeout=HANG_S)

        used_up = sent()
        assert used_up.status_code == 429
        assert 1 <= int(used_up.headers["retry-after"]) <= 6_000
        keys.write_text(f"{HEADER}\n")
        until(lambda: sent().status_code == 401, "a key that was revoked is not known any more")
        assert key not in server.log.read_text()


async def _grpc_statuses(address: str, key: str) -> list[str]:
    request = ModelInferRequest(model_name="silencio")
    async with aio.insecure_channel(address) as channel:
        stub = GRPCInferenceServiceStub(channel)
        calls = [
            stub.ServerLive(ServerLiveRequest()),
            stub.ModelReady(ModelReadyRequest(name="silencio")),
            stub.ModelInfer(request),
            stub.ModelInfer(request, metadata=(("authorization", _bearer(key)),)),
        ]
        return [StatusCode(await call.code()).name for call in calls]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--keys", "nowhere.csv"], "error: keys file nowhere.csv cannot be read"),
        (["--tls_cert", "x.pem", "--host", "0.0.0.0"], "error: --tls_cert and --tls_key belong together"),
    ],
)
def test_server__options_that_cannot_be_used_end_it_with_one_sentence(options: list[str], error: str) -> None:
    command = [sys.executable, "-m", "serving.predictor", "--bundle", "nowhere", *options]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=HANG_S)
    assert done.returncode == 1
    assert error in done.stderr.splitlines()[-1]
    assert ("without --keys: whoever reaches this address may use it" in done.stderr) == ("0.0.0.0" in options)
