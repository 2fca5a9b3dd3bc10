"""Users as they are: a guide with a stream, a power user's archive, a phone in the forest, a hunter of rare species."""

from __future__ import annotations

import base64
import json
import socket
import time
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from serving.client.client import BUSY_STATUSES
from serving.client.retry import RetryPolicy
from serving.simulate.recordings import RATE_HZ, Recording, encode, fitted, label_counts, samples_of
from serving.simulate.scenario import Scenario
from serving.simulate.simulated_client import Outcome, SimulatedClient
from silencio.errors import ConfigError, DecodeError

STREAM_S = 5.0
UPLOAD_S = 60.0
_MAX_ATTEMPTS = 6
_RETRIES = RetryPolicy(max_backoff_s=30.0)
_CUT_SHARE = 0.4
_RARE_SHARE = 0.25


def guide(scenario: Scenario) -> None:
    """A stream: every 5 s the last 5 s, by one connection that is kept; a window that comes late is counted."""
    scenario.n_clients = 1
    scenario.play(_stream)


def _stream(scenario: Scenario, client: SimulatedClient, rng: np.random.Generator) -> None:
    n_sent, begun_s = 0, time.monotonic()
    while not (scenario.is_over and n_sent):
        sound = random_sound(scenario, rng)
        n_windows = max(1, int(len(sound) / (STREAM_S * RATE_HZ)))
        for i in range(n_windows):
            if scenario.is_over and n_sent:
                return
            window = fitted(sound[round(i * STREAM_S * RATE_HZ) :], STREAM_S)
            done = client.send("5 s of a stream", encode(window), duration_s=STREAM_S)
            late = done.is_answered and done.latency_s > STREAM_S / scenario.speed
            scenario.record(replace(done, error="later than the next window") if late else done)
            n_sent += 1
            # By the clock, so that a slow answer does not make the stream slower.
            scenario.wait(n_sent * STREAM_S - (time.monotonic() - begun_s) * scenario.speed)


def power(scenario: Scenario) -> None:
    """One-minute uploads in JSON, back to back, by several users; a 503 is tried again when it says."""
    scenario.play(_uploads)


def _uploads(scenario: Scenario, client: SimulatedClient, rng: np.random.Generator) -> None:
    while not scenario.is_over:
        minute = encode(fitted(random_sound(scenario, rng), UPLOAD_S))
        body = {"instances": [{"audio": {"b64": base64.b64encode(minute).decode()}}], "parameters": {"top_k": 3}}
        _send_with_retries(scenario, client, "one minute", json.dumps(body).encode(), "application/json", UPLOAD_S, rng)


def mobile(scenario: Scenario) -> None:
    """Phones: they hesitate, lose the connection in the middle of a body, and try again with back-off."""
    scenario.play(_phone)


def _phone(scenario: Scenario, client: SimulatedClient, rng: np.random.Generator) -> None:
    has_sent = False  # a whole clip, at least once: on a busy machine its sound alone may take until the end
    while not (scenario.is_over and has_sent):
        scenario.wait(float(rng.exponential(1.0)))
        duration_s = float(rng.uniform(1.0, 15.0))
        clip = encode(fitted(random_sound(scenario, rng), duration_s))
        while rng.random() < _CUT_SHARE and not scenario.is_over:
            scenario.record(
                _cut(client, clip, sent_share=float(rng.uniform(0.05, 0.95)), reset=bool(rng.random() < 0.5))
            )
            scenario.wait(float(rng.uniform(0.1, 1.0)))
        if not (scenario.is_over and has_sent):
            _send_with_retries(scenario, client, "a phone's clip", clip, "audio/ogg", duration_s, rng)
            has_sent = True


def _cut(client: SimulatedClient, content: bytes, sent_share: float, reset: bool) -> Outcome:
    """Declare a body, send a part of it, and go: with FIN as an app that ends, or with RST as a network that does."""
    address = urlsplit(client.client.route)
    port = address.port or (443 if address.scheme == "https" else 80)
    lines = [f"POST {address.path} HTTP/1.1", f"Host: {address.netloc}", "Content-Type: audio/ogg"]
    lines += [f"{name}: {value}" for name, value in client.client.headers.items()]
    head = "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode()
    begun_s = time.monotonic()
    try:
        with socket.create_connection((address.hostname or "", port), timeout=10.0) as plain:
            if reset:
                # Linger of no time: closing sends RST.
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            secure = client.client.trust.context() if address.scheme == "https" else None
            with secure.wrap_socket(plain, server_hostname=address.hostname) if secure else plain as connection:
                connection.sendall(head + content[: int(sent_share * len(content))])
    except OSError as error:
        return Outcome("a body cut in the middle", latency_s=time.monotonic() - begun_s, error=type(error).__name__)
    return Outcome("a body cut in the middle", latency_s=time.monotonic() - begun_s, error="cut by the user")


def rare(scenario: Scenario) -> None:
    """The species of which the data hold least, each recording in turn.

    Raises:
        ConfigError: The recordings have no labels.
    """
    counts = label_counts(scenario.recordings)
    if not counts:
        raise ConfigError(
            "`rare` needs labels to know what is rare: give --recordings a folder with train.csv, or one folder a class"
        )
    wanted = list(counts)[: max(1, round(_RARE_SHARE * len(counts)))]
    scenario.recordings = [one for one in scenario.recordings if one.code in wanted]
    scenario.play(_hunt)


def _hunt(scenario: Scenario, client: SimulatedClient, rng: np.random.Generator) -> None:
    while not scenario.is_over:
        for number in rng.permutation(len(scenario.recordings)):
            if scenario.is_over:
                return
            one = scenario.recordings[int(number)]
            media_type = media_type_of(one)
            _send_with_retries(scenario, client, "a rare species", one.read(), media_type, None, rng, code=one.code)


def media_type_of(recording: Recording) -> str:
    """The media type that its name says."""
    suffix = recording.name.rpartition(".")[2].lower()
    return f"audio/{'mpeg' if suffix == 'mp3' else suffix}"


def _send_with_retries(
    scenario: Scenario,
    client: SimulatedClient,
    what: str,
    content: bytes,
    media_type: str,
    duration_s: float | None,
    rng: np.random.Generator,
    code: str = "",
) -> None:
    """Send, and again where it may succeed later: as the client's retry policy says, in the scenario's time."""
    for n_failures in range(1, _MAX_ATTEMPTS + 1):
        done = scenario.record(client.send(what, content, media_type, code=code, duration_s=duration_s))
        if done.status is not None and done.status not in BUSY_STATUSES:
            return
        # The server's seconds are real ones; the scenario waits `speed` times shorter than the answer demands.
        after_s = (done.retry_after_s or 0.0) * scenario.speed
        scenario.wait(_RETRIES.pause_s(n_failures, after_s, jitter=float(rng.random())))
        if scenario.is_over:
            return


def random_sound(scenario: Scenario, rng: np.random.Generator) -> NDArray[np.float32]:
    """The sound of any recording that is one: float32, shape (n_samples,), at 32 kHz."""
    for _ in range(10):
        try:
            return samples_of(scenario.draw(rng))
        except (DecodeError, OSError):
            continue  # a recording that is none: a user would not play it
    raise ConfigError("ten recordings one after another cannot be decoded: give --recordings a folder of audio")
