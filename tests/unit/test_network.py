"""Which proxy stands between here and an address."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import certifi
import pytest

from silencio import network
from silencio.errors import ConfigError
from silencio.network import free_ports, is_loopback, proxy_of, trusted_certificates

VARIABLES = [name for one in ("http", "https", "all", "no") for name in (f"{one}_proxy", f"{one.upper()}_PROXY")]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "url", "wanted"),
    [
        ({}, "http://192.0.2.1", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://192.0.2.1:8080", "HTTP_PROXY=http://p:1"),
        ({"http_proxy": "p:1"}, "http://192.0.2.1:8080", "http_proxy=http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://192.0.2.1", None),
        ({"ALL_PROXY": "socks5://u:secret@p:1/"}, "https://192.0.2.1", "ALL_PROXY=socks5://p:1"),
        # What does not concern the address is not looked at.
        ({"ALL_PROXY": "socks5://p:1", "HTTP_PROXY": "p:2"}, "http://192.0.2.1", "HTTP_PROXY=http://p:2"),
        ({"HTTP_PROXY": "http://[::1"}, "http://192.0.2.1", "HTTP_PROXY=http://[::1"),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "::1,fe80::/10"}, "http://192.0.2.1", "ALL_PROXY=http://p:1"),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "::1,fe80::/10"}, "http://[fe80::7]:8080", None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8, 192.0.2.0/24"}, "http://192.0.2.1", None),
        ({"ALL_PROXY": "p:1", "no_proxy": "example.org"}, "http://scores.example.org", None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "*"}, "http://192.0.2.1", None),
        ({"ALL_PROXY": "p:1"}, "http://127.0.0.1:8080", None),
        ({"ALL_PROXY": "p:1"}, "http://127.1.2.3:8080", None),
        ({"ALL_PROXY": "p:1"}, "http://localhost:8080", None),
        ({"ALL_PROXY": "p:1"}, "http://[::1]:8080", None),
    ],
)
def test_proxy__of_an_address(
    environment: dict[str, str], url: str, wanted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_of(url)
    assert (proxy and proxy.shown) == wanted


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost.",
        "ip6-localhost",
        "127.9.9.9",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:0.0.0.0]",
    ],
)
def test_loopback__is_this_machine_however_it_is_written(host: str) -> None:
    assert is_loopback(f"http://{host}:8080/")


@pytest.mark.parametrize(
    "host",
    [
        "localhost.example.org",
        "localhost..",
        "notlocalhost",
        "10.0.0.1",
        "[::ffff:10.0.0.1]",
        "[::2]",
        "0.0.0.1",
        "127.0.0.1.example.org",
        "",
    ],
)
def test_loopback__is_no_other_machine(host: str) -> None:
    assert not is_loopback(f"http://{host}:8080/")


def test_certificates__that_cannot_be_used_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert trusted_certificates("SSL_CERT_FILE") is None
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigError, match="SSL_CERT_FILE=.*gone.pem is not there: correct or unset it"):
        trusted_certificates("SSL_CERT_FILE")
    (tmp_path / "gone.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="SSL_CERT_FILE=.*gone.pem holds no certificates"):
        trusted_certificates("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert trusted_certificates("SSL_CERT_FILE") == Path(certifi.where())
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert trusted_certificates("SSL_CERT_DIR", "SSL_CERT_FILE") == tmp_path


def test_free_ports__differ_and_are_none_that_outgoing_connections_get() -> None:
    ports = [*free_ports(40), *free_ports(40)]
    assert len(set(ports)) == 80
    assert max(ports) < 32_768  # where Linux begins


def test_free_ports__that_somebody_listens_on_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listening:
        taken = free_ports(1)[0]
        listening.bind(("127.0.0.1", taken))
        monkeypatch.setattr(network._Ports, "last", network._Ports.last - 1)
        assert free_ports(1)[0] > taken


def test_free_ports__of_a_forked_process_begin_elsewhere() -> None:
    free_ports(1)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, json.dumps(free_ports(20)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert not set(json.loads(os.read(reader, 1000))) & set(free_ports(20))
