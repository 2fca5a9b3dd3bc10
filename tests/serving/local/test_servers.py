"""By which name the servers of this machine are asked, and what whoever started them is told."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from serving.access.keys import add_key
from serving.access.tls import Tls
from serving.local import local_servers
from serving.local.servers import _Addresses
from serving.local.up import notes
from tests.serving.authority import Authority
from tests.waiting import HANG_S


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"), "station")


@pytest.mark.parametrize(
    ("host", "names", "expected"),
    [
        ("127.0.0.1", ["IP:127.0.0.1", "DNS:localhost"], "127.0.0.1"),
        ("127.0.0.1", ["DNS:pi.local", "DNS:localhost"], "localhost"),
        # Where it listens on one address, another's name may well lead elsewhere.
        ("127.0.0.1", ["DNS:pi.local"], "127.0.0.1"),
        ("192.0.2.7", ["DNS:pi.local", "DNS:localhost"], "192.0.2.7"),
        ("0.0.0.0", ["DNS:*.station.example", "DNS:pi.local", "IP:192.0.2.7"], "pi.local"),
        ("0.0.0.0", ["IP:192.0.2.7"], "192.0.2.7"),
        ("::", ["IP:::1"], "[::1]"),
    ],
)
def test_addresses__are_by_a_name_that_the_certificate_is_for(
    host: str, names: list[str], expected: str, authority: Authority
) -> None:
    found = _Addresses.of(host, 8080, 8082, Tls(*authority.sign(*names)))
    assert (found.url, found.grpc) == (f"https://{expected}:8080", f"{expected}:8082")
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    assert found.probed == f"https://{here}:8080"


def test_addresses__without_tls_are_the_hosts_own() -> None:
    found = _Addresses.of("0.0.0.0", 8080, 8082, None)
    assert (found.probed, found.url, found.grpc) == (*["http://127.0.0.1:8080"] * 2, "127.0.0.1:8082")


def _reported(url: str, tls: Tls | None, **options: object) -> list[str]:
    return list(notes(argparse.Namespace(**{"keys": None, "host": "127.0.0.1"} | options), url, tls))


def test_notes__say_who_may_ask(tmp_path: Path) -> None:
    assert _reported("http://127.0.0.1:8080", None) == []
    everybody = ["listening on 0.0.0.0 without --keys: whoever reaches this machine may use it"]
    assert _reported("http://127.0.0.1:8080", None, host="0.0.0.0") == everybody
    assert _reported("http://127.0.0.1:8080", None, host="0.0.0.0", keys=tmp_path / "keys.csv") == []


def test_notes__name_what_the_certificate_is_for_where_the_printed_address_is_not(authority: Authority) -> None:
    tls = Tls(*authority.sign("DNS:*.station.example", "DNS:pi.local"))
    assert _reported("https://pi.local:8080", tls) == []
    (reported,) = _reported("https://127.0.0.1:8080", tls)
    assert reported.startswith(
        f"clients do not take the certificate {tls.certificate} at 127.0.0.1 (IP address mismatch"
    )
    assert reported.endswith("; it is for *.station.example, pi.local: use one of these, from where it leads here")


def test_servers__take_their_settings_from_the_environment_but_not_what_lies_between_them(
    bundle_directory: Path, recording: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are for clients: the transformer has none for the predictor, and finds it where it was started."""
    key = add_key(tmp_path / "keys.csv", "guide", 600.0, None)
    for name, value in (
        ("KEYS", str(tmp_path / "keys.csv")),
        ("PREDICTION_LOG", str(tmp_path / "log")),
        ("MAX_CONCURRENT_REQUESTS", "1"),
        ("ENABLE_GRPC", "false"),
        ("MODEL_NAME", "other"),
        ("PREDICTOR_HOST", "10.0.0.7:8081"),
        ("PREDICTOR_CA", str(tmp_path / "ca.pem")),
        ("HTTP_PORT", "tcp://10.96.14.3:8080"),
    ):
        monkeypatch.setenv(f"SILENCIO_{name}", value)
    headers = {"Content-Type": "audio/flac"}
    with (
        local_servers(bundle_directory, start_timeout_s=HANG_S) as servers,
        httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S, headers=headers) as client,
    ):
        route = "/v1/models/silencio:predict"
        assert client.post(route, content=recording()).status_code == 401
        assert client.post(route, content=recording(), headers={"X-API-Key": key}).status_code == 200
    assert list((tmp_path / "log").rglob("*.parquet"))
