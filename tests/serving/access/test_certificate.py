"""What a certificate is good for, before a client finds out."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.access.certificate import names_of, refusal_at
from serving.access.tls import Tls
from tests.serving.authority import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"), "station")


def test_certificate__is_for_the_names_that_stand_in_it(authority: Authority) -> None:
    tls = Tls(*authority.sign("DNS:pi.local", "IP:127.0.0.1", "DNS:*.station.example"))
    assert names_of(tls) == ("pi.local", "127.0.0.1", "*.station.example")
    for host in ("pi.local", "127.0.0.1", "north.station.example"):
        assert refusal_at(tls, host) == ""
    assert refusal_at(tls, "localhost") == "Hostname mismatch, certificate is not valid for 'localhost'"
    assert refusal_at(tls, "192.0.2.1") == "IP address mismatch, certificate is not valid for '192.0.2.1'"


def test_certificate__a_chain_is_as_good_as_the_certificate_alone(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.sign("DNS:localhost")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificate.read_bytes() + authority.certificate.read_bytes())
    assert names_of(Tls(chain, key)) == ("localhost",)
    assert refusal_at(Tls(chain, key), "localhost") == ""


def test_certificate__without_names_has_none(authority: Authority) -> None:
    assert names_of(Tls(authority.certificate, authority.certificate.with_suffix(".key"))) == ()
