"""One request and what came of it, held against what an answer must look like."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from serving.client.connection import connection, trust_for
from serving.client.trust import is_certificate_refused
from serving.server.protocol import MODEL_NAME
from silencio.errors import ServingError

_SPECIES = ("code", "scientific_name", "common_name", "class_name", "probability")
_LONGEST_S = 120.0


@dataclass(frozen=True)
class Exchange:
    """A request's end.

    Attributes:
        what: What was sent.
        code: Label of the recording; empty where it has none.
        status: HTTP status; None where none came.
        latency_s: From the first byte sent to the last received.
        error: Kind of trouble, as the report counts it; empty where there was none.
        fault: What must never happen and did; empty where all was well.
        retry_after_s: As a 503 or 429 says.
        named: For each window the most probable species: (code, common name, probability).
    """

    what: str
    code: str = ""
    status: int | None = None
    latency_s: float = 0.0
    error: str = ""
    fault: str = ""
    retry_after_s: float | None = None
    named: tuple[tuple[str, str, float], ...] = field(default=())

    @property
    def is_answered(self) -> bool:
        return self.status == httpx.codes.OK and not self.fault


class Asker:
    """One user's connection to the endpoint; a context manager.

    Args:
        url: Of the transformer.
        api_key: Sent as `Authorization: Bearer …`; empty sends none.
        key_in_clear: It may go to another machine without TLS.
        cacert: PEM of whoever signed the server's certificate; None: as the environment says, else public authorities.

    Attributes:
        route: That is asked.
        headers: That show the key.
        trust: Whose certificates are taken.
    """

    def __init__(self, url: str, api_key: str = "", *, key_in_clear: bool = False, cacert: Path | None = None) -> None:
        self._url = url.rstrip("/")
        self.route = f"{self._url}/v1/models/{MODEL_NAME}:predict"
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.trust = trust_for(url, cacert)
        self._http = connection(url, _LONGEST_S, api_key, key_in_clear=key_in_clear, trust=self.trust)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(
        self,
        what: str,
        content: bytes,
        media_type: str = "audio/ogg",
        *,
        code: str = "",
        duration_s: float | None = None,
        refusal_expected: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> Exchange:
        """Send a body and judge the answer.

        Args:
            what: For the report.
            content: The body.
            media_type: As declared, true or not.
            code: The recording's label.
            duration_s: Of the sound, where known: the windows must cover it.
            refusal_expected: Anything but a 4xx (or an overload) is a fault.
            query: Of the address.

        Raises:
            ServingError: The server's certificate is not taken.
        """
        begun_s = time.monotonic()
        try:
            headers = {"Content-Type": media_type}
            answer = self._http.post(self.route, content=content, headers=headers, params=query)
        except httpx.TimeoutException:
            return Exchange(what, code, latency_s=time.monotonic() - begun_s, error="no answer in time")
        except httpx.TransportError as error:
            if is_certificate_refused(error):  # of every request
                raise ServingError(self.trust.explained(self._url, error)) from error
            return Exchange(what, code, latency_s=time.monotonic() - begun_s, error=type(error).__name__)
        latency_s = time.monotonic() - begun_s
        status, retry_after_s = answer.status_code, _retry_after_s(answer)
        if answer.is_success:
            if refusal_expected:
                return Exchange(what, code, status, latency_s, fault=f"{what} was answered as if it were a recording")
            named, fault = _judge(answer, duration_s)
            return Exchange(what, code, status, latency_s, fault=fault, named=named)
        fault = _judge_refusal(answer)
        return Exchange(what, code, status, latency_s, f"{status}", fault, retry_after_s)


def _retry_after_s(answer: httpx.Response) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def _judge_refusal(answer: httpx.Response) -> str:
    if answer.status_code >= 500 and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
        return f"{answer.status_code}: {answer.text[:200]!r}"
    try:
        text = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} says nothing in 'error': {answer.text[:200]!r}"
    if not isinstance(text, str) or not text or "Traceback" in text:
        return f"{answer.status_code} says no sentence in 'error': {text!r:.200}"
    return ""


def _judge(answer: httpx.Response, duration_s: float | None) -> tuple[tuple[tuple[str, str, float], ...], str]:
    """What each window was named, and the fault of the answer's shape."""
    try:
        (prediction,) = answer.json()["predictions"]
        windows = prediction["windows"]
        named = tuple(_named(window) for window in windows)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        return (), f"an answer of another shape ({type(error).__name__}: {error}): {answer.text[:200]!r}"
    if not windows:
        return (), "an answer without windows"
    if duration_s is not None and windows[-1]["end_s"] < duration_s - 0.1:
        return named, f"the windows end at {windows[-1]['end_s']:g} s, the recording at {duration_s:g} s"
    return named, ""


def _named(window: dict[str, Any]) -> tuple[str, str, float]:
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
