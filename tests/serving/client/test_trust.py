"""Clients of a server whose certificate no public authority signed: a station's own, or the certificate itself."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from serving.client import Client
from serving.client.trust import Trust
from silencio.__main__ import main
from silencio.errors import ConfigError, ServingError
from tests.serving.answering import Answering, answering
from tests.serving.authority import Authority

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"), "station")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> tuple[Path, Path]:
    return authority.sign("IP:127.0.0.1")


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[Answering]:
    with answering(certificate) as one:
        yield one


def _predict(url: str, cacert: Path | None = None) -> float:
    with Client(url, cacert=cacert) as client:
        return client.predict(b"anything").duration_s


def test_client__takes_an_own_authority_and_a_certificate_that_is_named_itself(
    server: Answering, authority: Authority, certificate: tuple[Path, Path]
) -> None:
    assert _predict(server.url, authority.certificate) == 5.0
    assert _predict(server.url, certificate[0]) == 5.0


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_client__takes_whom_the_environment_names_on_loopback_too(
    variable: str, server: Answering, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(authority.certificate))
    assert _predict(server.url) == 5.0


def test_client__the_option_counts_and_not_the_environment(
    server: Answering, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger.certificate))
    assert _predict(server.url, authority.certificate) == 5.0
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert _predict(server.url, authority.certificate) == 5.0


def test_client__says_whom_it_trusts_and_what_to_do(
    server: Answering, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    remedy = "give the PEM file of whoever signed it by --cacert FILE or SSL_CERT_FILE=FILE"
    with pytest.raises(
        ServingError, match=rf"certificate of {server.url} is not taken .*the public authorities; {remedy}"
    ):
        _predict(server.url)
    with pytest.raises(ServingError, match=f"trusted are --cacert {stranger.certificate}; {remedy}"):
        _predict(server.url, stranger.certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger.certificate))
    with pytest.raises(ServingError, match=f"trusted are REQUESTS_CA_BUNDLE={stranger.certificate}; {remedy}"):
        _predict(server.url)
    assert server.bodies == []


def test_client__a_certificate_of_another_name_is_said_to_be_that(server: Answering, authority: Authority) -> None:
    with pytest.raises(ServingError, match="mismatch.*: call the server by a name that its certificate is for"):
        _predict(server.url.replace("127.0.0.1", "localhost"), authority.certificate)


@pytest.mark.parametrize(("code", "reason"), [(9, "certificate is not yet valid"), (10, "certificate has expired")])
def test_trust__a_certificate_of_another_day_is_not_called_a_strangers(code: int, reason: str) -> None:
    fault = ssl.SSLCertVerificationError(1, reason)
    fault.verify_code, fault.verify_message = code, reason
    error = httpx.ConnectError("any")
    error.__cause__ = fault
    message = Trust().explained("https://a", error)
    assert message.startswith(
        f"the certificate of https://a is not taken ({reason}): renew it on the server, or set the clock"
    )


def test_client__the_wrong_scheme_is_guessed(server: Answering, authority: Authority) -> None:
    with pytest.raises(ServingError, match="does not answer.*; if it speaks TLS, use https://"):
        _predict(server.url.replace("https", "http"))
    with answering() as plain, pytest.raises(ServingError, match="; if it speaks no TLS, use http://"):
        _predict(plain.url.replace("http", "https"), authority.certificate)


def test_client__a_cacert_that_is_none_is_refused_by_name(server: Answering, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--cacert /nowhere is not there: name a PEM file"):
        _predict(server.url, Path("/nowhere"))
    (tmp_path / "a.pem").write_text("none")
    with pytest.raises(ConfigError, match="a.pem holds no certificates that can be read"):
        _predict(server.url, tmp_path / "a.pem")
    with pytest.raises(ConfigError, match="http://127.0.0.1:9 shows no certificate; use https://"):
        Client("http://127.0.0.1:9", cacert=tmp_path / "a.pem")


@pytest.fixture
def commands(tmp_path: Path) -> Callable[[str], list[list[str]]]:
    """Every command that calls a server, of one recording."""
    recording = tmp_path / "in" / "species" / "one.wav"
    recording.parent.mkdir(parents=True)
    soundfile.write(recording, np.zeros(5 * 32_000), 32_000)
    consume = [
        "consume",
        "--from",
        str(recording.parent),
        "--to",
        str(tmp_path / "results"),
        "--once",
        "--settle-s",
        "0",
    ]
    simulate = ["simulate", "guide", "--recordings", str(tmp_path / "in"), "--seconds", "0.01"]

    def of(url: str) -> list[list[str]]:
        return [[*one, "--url", url] for one in (["predict", str(recording)], consume, simulate)]

    return of


def test_commands__all_of_them_have_the_option(
    commands: Callable[[str], list[list[str]]],
    server: Answering,
    authority: Authority,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for n_answered, command in enumerate(commands(server.url)):
        assert main(command) == 1, command
        message = capsys.readouterr().err
        assert message.startswith(f"error: the certificate of {server.url} is not taken (")
        assert "--cacert FILE" in message
        assert message.count("\n") == 1
        assert len(server.bodies) == n_answered
        assert main([*command, "--cacert", str(authority.certificate)]) == 0, (command, capsys.readouterr())
        capsys.readouterr()
        assert len(server.bodies) == n_answered + 1


def test_predict__with_a_bundle_asks_nobody_whom_to_trust(
    bundle_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "a.ogg", "--bundle", str(bundle_directory), "--cacert", "ca.pem"]) == 1
    assert capsys.readouterr().err == "error: --cacert goes with --url: with --bundle there is no server\n"
