"""An S3 that is not there, not S3, or does not let us in: one sentence, within seconds."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from silencio.errors import StorageError
from silencio.network import free_ports
from silencio.storage import concerns_one_file, exists, join, list_objects, read_bytes, write_bytes
from silencio.storage import s3 as s3_module
from tests.s3 import S3Server


@pytest.fixture(autouse=True)
def patience(s3: S3Server, pauses: list[float]) -> Iterator[None]:
    """By itself the client pauses again and again for minutes; the server is started before its pauses are counted."""
    yield
    assert sum(pauses) < 10


def _complaint(uri: str) -> str:
    """The same sentence by every way of asking; it never concerns one file alone."""
    messages = set()
    for ask in (read_bytes, exists, list_objects, lambda place: write_bytes(place, b"x")):
        with pytest.raises(StorageError) as caught:
            ask(uri)
        assert not concerns_one_file(caught.value)
        assert "\n" not in str(caught.value)
        messages.add(str(caught.value))
    assert len(messages) == 1
    return messages.pop()


def test_wrong_secret__names_key_and_variables(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = join(s3.new_place(), "a")
    monkeypatch.setenv("SILENCIO_S3_SECRET_KEY", "another-secret")
    message = _complaint(uri)
    assert message == (
        f"{uri}: {s3.endpoint} refuses access key 'tester' (SignatureDoesNotMatch): check SILENCIO_S3_ACCESS_KEY and "
        "SILENCIO_S3_SECRET_KEY"
    )
    assert "another-secret" not in message


def test_unknown_key__is_refused(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = join(s3.new_place(), "a")
    monkeypatch.setenv("SILENCIO_S3_ACCESS_KEY", "nobody")
    assert "refuses access key 'nobody' (InvalidAccessKeyId)" in _complaint(uri)


def test_no_key__is_anonymous(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = join(s3.new_place(), "a")
    monkeypatch.delenv("SILENCIO_S3_ACCESS_KEY")
    monkeypatch.delenv("SILENCIO_S3_SECRET_KEY")
    assert "refuses anonymous access (AccessDenied)" in _complaint(uri)


def test_no_bucket__is_named(s3: S3Server) -> None:
    uri = "s3://no-such-bucket/a"
    for ask in (read_bytes, exists, list_objects):
        with pytest.raises(StorageError, match=f"{s3.endpoint} has no bucket 'no-such-bucket'") as caught:
            ask(uri)
        assert not concerns_one_file(caught.value)


def test_no_server__is_one_sentence(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = f"127.0.0.1:{free_ports(1)[0]}"
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", endpoint)
    message = _complaint("s3://bucket/a")
    assert message.startswith(f"s3://bucket/a: no usable answer from {endpoint} (")
    assert "Connection refused): check SILENCIO_S3_ENDPOINT, SILENCIO_S3_SECURE and the network" in message


def test_no_such_host__is_one_sentence(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "no-such-host.invalid:9000")
    assert "no usable answer from no-such-host.invalid:9000 (Failed to resolve" in _complaint("s3://bucket/a")


def test_https_where_there_is_none__is_said(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_S3_SECURE", "true")
    assert "SSL" in _complaint("s3://bucket/a")


def test_a_server_that_never_answers__is_given_up(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_module, "_READ_S", 0.2)  # ten seconds outside of tests
    s3_module._client.cache_clear()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("SILENCIO_S3_ENDPOINT", f"127.0.0.1:{silent.getsockname()[1]}")
        assert "Read timed out" in _complaint("s3://bucket/a")
    s3_module._client.cache_clear()


@pytest.fixture
def web_server() -> Iterator[str]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404, "<html>\nnot here\n</html>")

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_server_that_is_no_s3__is_said(s3: S3Server, web_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", web_server)
    message = _complaint("s3://bucket/a")
    assert f"{web_server} answers, but not as S3 does" in message
    assert "<html>" not in message


@pytest.mark.parametrize("uri", ["s3://B/key", "s3://a..b/key"])
def test_a_bucket_that_cannot_be__is_said(s3: S3Server, uri: str) -> None:
    assert f"{uri} cannot be a place in S3: " in _complaint(uri)


def test_a_bucket_alone__is_no_object(s3: S3Server) -> None:
    with pytest.raises(StorageError, match="s3://bucket cannot be a place in S3: it names no object"):
        read_bytes("s3://bucket")


def test_a_connection_that_breaks_once_is_tried_again(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib3.exceptions import ProtocolError

    uri = join(s3.new_place(), "a")
    write_bytes(uri, b"whole")
    body, calls = s3_module._body, []

    def breaks_once(*arguments: object) -> bytes:
        calls.append(1)
        if len(calls) == 1:
            raise ProtocolError("Connection broken: IncompleteRead(2 bytes read, 3 more expected)")
        return body(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(s3_module, "_body", breaks_once)
    assert read_bytes(uri) == b"whole"


def test_storage__imports_neither_minio_nor_pandas_before_s3_is_asked() -> None:
    code = "import sys, silencio.storage; print(sorted({'minio', 'pandas', 'torch', 'urllib3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
