"""The client, in an environment that is not made for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import soundfile

from serving.client import Client
from serving.simulate.simulated_client import SimulatedClient
from serving.stream.consumer import Consumer, ConsumerConfig
from silencio.__main__ import main
from silencio.errors import ConfigError, ServingError
from tests.serving.answering import Answering, answering

# No packet leaves this machine for it: what is asked for it fails before, or at a proxy on loopback that is not there.
ELSEWHERE = "http://192.0.2.1:8080"
VARIABLES = [name for one in ("http", "https", "all", "no") for name in (f"{one}_proxy", f"{one.upper()}_PROXY")]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as one:
        yield one


UNUSABLE = [
    ("ALL_PROXY", "socks5://user:secret@127.0.0.1:9"),
    ("all_proxy", "socks://127.0.0.1:9/"),
    ("HTTP_PROXY", "ftp://127.0.0.1:9"),
    ("HTTP_PROXY", "http://[::1"),
    ("http_proxy", "127.0.0.1:port"),
]


@pytest.mark.parametrize(("variable", "value"), UNUSABLE)
def test_client__names_the_variable_of_a_proxy_that_cannot_be_used(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ServingError, match=f"correct or unset {variable}, or name the server in NO_PROXY") as error:
        Client(ELSEWHERE)
    assert "secret" not in str(error.value)
    with pytest.raises(ServingError, match=variable):
        SimulatedClient(ELSEWHERE)
    with pytest.raises(ServingError, match=variable):
        Consumer(ConsumerConfig(str(tmp_path), str(tmp_path / "results"), ELSEWHERE))


IN_CLEAR = "the API key would go to 192.0.2.1 in clear, .* allow it by --api-key-in-clear"


def test_key__goes_to_no_other_machine_in_clear(tmp_path: Path) -> None:
    places = (str(tmp_path), str(tmp_path / "results"))
    with pytest.raises(ConfigError, match=IN_CLEAR):
        Client(ELSEWHERE, api_key="secret")
    with pytest.raises(ConfigError, match=IN_CLEAR):
        SimulatedClient(ELSEWHERE, "secret")
    with pytest.raises(ConfigError, match=IN_CLEAR):
        Consumer(ConsumerConfig(*places, ELSEWHERE, api_key="secret"))
    # By TLS, to this machine, without a key, and where it is allowed.
    for url in (
        ELSEWHERE.replace("http", "https"),
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:80",
    ):
        Client(url, api_key="secret")
    Client(ELSEWHERE)
    Client(ELSEWHERE, api_key="secret", key_in_clear=True)
    SimulatedClient(ELSEWHERE, "secret", key_in_clear=True)
    Consumer(ConsumerConfig(*places, ELSEWHERE, api_key="secret", key_in_clear=True))


@pytest.mark.parametrize("is_allowed", [False, True])
def test_key__every_command_that_shows_it_has_the_option(
    is_allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A proxy on loopback that is not there ends what is allowed: no packet leaves this machine."""
    monkeypatch.setenv("SILENCIO_API_KEY", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    recording = tmp_path / "species" / "one.wav"
    recording.parent.mkdir()
    soundfile.write(recording, np.zeros(32_000), 32_000)
    commands = [
        ["predict", str(recording)],
        ["consume", "--from", str(recording.parent), "--to", str(tmp_path / "results"), "--once", "--settle-s", "0"],
        ["simulate", "guide", "--recordings", str(tmp_path), "--seconds", "0.01"],
    ]
    for command in commands:
        option = ["--give-up-s", "0"] if command[0] == "consume" else []
        main([*command, *option, "--url", ELSEWHERE, *(["--api-key-in-clear"] if is_allowed else [])])
        message = "".join(capsys.readouterr())
        assert ("in clear" in message) != is_allowed, (command, message)


def test_commands__end_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    (tmp_path / "a.ogg").write_bytes(b"anything")
    for words in (
        ["predict", str(tmp_path / "a.ogg")],
        ["consume", "--from", str(tmp_path), "--to", str(tmp_path / "results"), "--once"],
        ["simulate", "guide"],
    ):
        assert main([*words, "--url", ELSEWHERE]) == 1
        message = capsys.readouterr().err
        assert message.startswith("error: ")
        assert "ALL_PROXY=socks5://127.0.0.1:9" in message
        assert message.count("\n") == 1


def test_client__says_through_which_proxy_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    # Neither is for this address, or understood by httpx.
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "::1,fe80::/10")
    with (
        Client(ELSEWHERE) as client,
        pytest.raises(ServingError, match="does not answer through the environment's proxy HTTP_PROXY=http://127"),
    ):
        client.predict(b"anything")


@pytest.mark.parametrize(("variable", "value"), [*UNUSABLE, ("NO_PROXY", "::1,fe80::/10"), ("SSL_CERT_FILE", "/no")])
def test_client__reaches_loopback_whatever_the_environment_says(
    variable: str, value: str, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv(variable, value)
    for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
        with Client(url) as client:
            assert client.predict(b"anything").duration_s == 5.0


def test_client__goes_through_the_proxy_that_is_for_the_address(
    server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    with Client(ELSEWHERE) as client:
        assert client.predict(b"anything").duration_s == 5.0
    monkeypatch.setenv("NO_PROXY", "192.0.2.0/24")
    assert Client(ELSEWHERE)._through == ""


def test_client__names_certificates_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigError, match="SSL_CERT_FILE=.*gone.pem is not there"):
        Client("https://192.0.2.1")
    Client(ELSEWHERE)  # shows no certificate


@pytest.mark.parametrize(
    "url", ["", "192.0.2.1:8080", "ftp://a", "http://", "http://[::1", "http://a:99999", "http://a:0", "http://a..b"]
)
def test_client__refuses_what_is_no_address(url: str) -> None:
    with pytest.raises(ServingError, match="is no address of a server.*http://HOST:PORT is needed"):
        Client(url)


@pytest.mark.parametrize(
    ("session_id", "header"),
    [
        (None, None),
        ("walk 7", "walk 7"),
        ("vuelta ñ", "vuelta ñ".encode().decode("latin-1")),
        # What a header cannot have stands in the body alone.
        (" walk", None),
        ("walk\n7", None),
    ],
)
def test_session__stands_where_a_proxy_before_two_arms_can_read_it(
    server: Answering, session_id: str | None, header: str | None
) -> None:
    with Client(server.url) as client:
        client.predict(b"anything", session_id=session_id)
    assert server.headers[0].get("x-session-id") == header
    assert json.loads(server.bodies[0])["instances"][0].get("session_id") == session_id


@pytest.mark.parametrize("named", [{}, {"site_id": "north"}, {"site_id": "north", "device_id": "SMA01234"}])
def test_recorder__stands_in_the_body_where_it_is_named(server: Answering, named: dict[str, str]) -> None:
    with Client(server.url) as client:
        client.predict(b"anything", **named)  # type: ignore[arg-type]  # a part of its texts
    instance = json.loads(server.bodies[0])["instances"][0]
    assert {name: instance[name] for name in ("site_id", "device_id") if name in instance} == named


def test_session__of_a_simulated_user_has_ten_requests(server: Answering) -> None:
    with SimulatedClient(server.url) as one, SimulatedClient(server.url) as other:
        for client in (one, other):
            for _ in range(12):
                client.send("anything", b"anything")
    sessions = [headers["x-session-id"] for headers in server.headers]
    assert [len(list(group)) for _, group in groupby(sessions)] == [10, 2, 10, 2]
    assert len(set(sessions)) == 4
