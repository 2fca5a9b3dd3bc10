"""One request of a simulated user and what came of it, held against what a response must look like."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from serving.client import Client, UnreachableError
from serving.client.retry import retry_after_s
from serving.server.protocol import MODEL_NAME

_SPECIES = ("code", "scientific_name", "common_name", "class_name", "probability")
_TIMEOUT_S = 120.0
# Of one user before the next walk begins: as a session of the page or an app has them.
REQUESTS_A_SESSION = 10


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes:
        what: The kind of request, for the report.
        code: Label of the recording; empty where it has none.
        status: HTTP status; None where none came.
        latency_s: Seconds from the first byte sent to the last received.
        error: Kind of trouble, as the report counts it; empty where there was none.
        fault: What must never happen and did; empty where all was well.
        retry_after_s: Seconds that a 503 or 429 names.
        top_species: For each window the most probable species: (code, common name, probability).
    """

    what: str
    code: str = ""
    status: int | None = None
    latency_s: float = 0.0
    error: str = ""
    fault: str = ""
    retry_after_s: float | None = None
    top_species: tuple[tuple[str, str, float], ...] = ()

    @property
    def is_answered(self) -> bool:
        return self.status == httpx.codes.OK and not self.fault


class SimulatedClient:
    """One user's connection to the endpoint; a context manager. Ten requests are one session, of an id of its own.

    Args:
        url: The transformer's address.
        api_key: The key, sent as a bearer token; empty sends none.
        key_in_clear: It may go to another machine without TLS.
        cacert: PEM of whoever signed the server's certificate; None: as the environment says, else public authorities.
        headers: Further headers of every request.
        model_name: The model that is called; the name of one bundle alone is answered by servers of that bundle alone.

    Attributes:
        client: The client by which it sends.
    """

    def __init__(
        self,
        url: str,
        api_key: str = "",
        *,
        key_in_clear: bool = False,
        cacert: Path | None = None,
        headers: Mapping[str, str] | None = None,
        model_name: str = MODEL_NAME,
    ) -> None:
        self._headers = headers
        self.client = Client(url, _TIMEOUT_S, model_name, api_key=api_key, key_in_clear=key_in_clear, cacert=cacert)
        self._n_sent = 0
        self._session_id = ""

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.__exit__(kind, error, trace)

    def send(
        self,
        what: str,
        content: bytes,
        media_type: str = "audio/ogg",
        *,
        code: str = "",
        duration_s: float | None = None,
        refusal_expected: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Send a body and check the response.

        Args:
            what: The kind of request, for the report.
            content: The body.
            media_type: The declared media type, true or not.
            code: The recording's label.
            duration_s: Length of the sound, where known: the windows must cover it.
            refusal_expected: Whether anything but a 4xx (or an overload) is a fault.
            query: Options in the address.

        Raises:
            UntrustedServerError: The server's certificate is not taken, so no request will succeed.
        """
        session_id = self._next_session_id()
        begun_s = time.monotonic()
        try:
            response = self.client.post(content, media_type, query, session_id=session_id, headers=self._headers)
        except UnreachableError as error:
            is_timeout = isinstance(error.cause, httpx.TimeoutException)
            trouble = "no answer in time" if is_timeout else type(error.cause).__name__
            return Outcome(what, code, latency_s=time.monotonic() - begun_s, error=trouble)
        latency_s = time.monotonic() - begun_s
        status, after_s = response.status_code, retry_after_s(response.headers.get("Retry-After", ""))
        if response.is_success:
            if refusal_expected:
                return Outcome(what, code, status, latency_s, fault=f"{what} was answered as if it were a recording")
            top_species, fault = _checked(response, duration_s)
            return Outcome(what, code, status, latency_s, fault=fault, top_species=top_species)
        return Outcome(what, code, status, latency_s, f"{status}", _refusal_fault(response), after_s)

    def _next_session_id(self) -> str:
        if self._n_sent % REQUESTS_A_SESSION == 0:
            self._session_id = f"simulated-{uuid.uuid4().hex}"
        self._n_sent += 1
        return self._session_id


def _refusal_fault(response: httpx.Response) -> str:
    if response.status_code >= 500 and response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
        return f"{response.status_code}: {response.text[:200]!r}"
    try:
        text = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} says nothing in 'error': {response.text[:200]!r}"
    if not isinstance(text, str) or not text or "Traceback" in text:
        return f"{response.status_code} says no sentence in 'error': {text!r:.200}"
    return ""


def _checked(response: httpx.Response, duration_s: float | None) -> tuple[tuple[tuple[str, str, float], ...], str]:
    """The most probable species of each window, and the fault of the answer's shape."""
    try:
        (prediction,) = response.json()["predictions"]
        windows = prediction["windows"]
        top_species = tuple(_top_species(window) for window in windows)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        return (), f"an answer of another shape ({type(error).__name__}: {error}): {response.text[:200]!r}"
    if not windows:
        return (), "an answer without windows"
    if duration_s is not None and windows[-1]["end_s"] < duration_s - 0.1:
        return top_species, f"the windows end at {windows[-1]['end_s']:g} s, the recording at {duration_s:g} s"
    return top_species, ""


def _top_species(window: dict[str, Any]) -> tuple[str, str, float]:
    if not 0 <= window["start_s"] < window["end_s"]:
        raise ValueError(f"a window from {window['start_s']} to {window['end_s']} s")
    species = window["species"]
    for one in species:
        if missing := [name for name in _SPECIES if name not in one]:
            raise ValueError(f"a species without {missing[0]}")
        if not (math.isfinite(one["probability"]) and 0 <= one["probability"] <= 1):
            raise ValueError(f"a probability of {one['probability']}")
    first = max(species, key=lambda one: float(one["probability"]))
    return str(first["code"]), str(first["common_name"]), float(first["probability"])
