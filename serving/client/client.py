"""Ask a transformer by its address."""

from __future__ import annotations

import base64
import math
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx
from pydantic import ValidationError

from serving.client.connection import check_address, connection, trust_for
from serving.client.trust import is_certificate_refused, shows_certificate
from serving.server.protocol import MODEL_NAME
from silencio.audio import Truncated
from silencio.detections import RecordingDocument
from silencio.detections.documents import TopK
from silencio.errors import ConfigError, ServingError
from silencio.network import proxy_of

# What is wrong with this recording or its request, not with the server or the key.
_REFUSALS = {400, 413, 415, 422}
_LATER = {429, 503}
_DEFAULT_WAIT_S = 1.0
_CHECK_TIMEOUT_S = 5.0


class RefusedRecordingError(ServingError):
    """The server does not take this recording; it may well take others."""


class BusyError(ServingError):
    """The server has too much to do, is not ready, or this key has asked too much: the same may be asked later.

    Args:
        message: What the server says.
        retry_after_s: When it wants to be asked again.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Client:
    """A transformer at an address; a context manager that keeps one connection.

    Args:
        url: Like `http://127.0.0.1:8080`.
        timeout_s: Longest wait for one answer.
        model_name: As on the route.
        api_key: Sent as a bearer token.
        patience_s: How long a recording is asked for again where the server says "later", as often as it says.
        key_in_clear: The key may go to another machine without TLS.
        cacert: PEM of whoever signed the server's certificate; None: as the environment says, else public authorities.

    Attributes:
        band_hz: Lowest and highest frequency that the server's bundle hears; None before the first answer, and where
            the server does not say.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = 300.0,
        model_name: str = MODEL_NAME,
        *,
        api_key: str | None = None,
        patience_s: float = 0.0,
        key_in_clear: bool = False,
        cacert: Path | None = None,
    ) -> None:
        check_address(url)
        if api_key is not None and not (api_key.isascii() and api_key.isprintable() and api_key.strip() == api_key):
            raise ConfigError("the API key is none: it must be one line of ASCII without blanks around it")
        self.url = url.rstrip("/")
        self.band_hz: tuple[float, float] | None = None
        self._route = f"{self.url}/v1/models/{model_name}:predict"
        self._patience_s = patience_s
        self._trust = trust_for(url, cacert)
        self._http = connection(url, timeout_s, api_key, key_in_clear=key_in_clear, trust=self._trust)
        proxy = proxy_of(url)
        self._through = f" through the environment's proxy {proxy.shown}" if proxy else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def check_certificate(self) -> None:
        """Look at the certificate that the server shows; one that is away, or shows none, passes.

        Raises:
            ServingError: It is not taken; the message says by whom it would have to be signed.
        """
        if not shows_certificate(self.url):
            return
        try:
            self._http.get(f"{self.url}/v2/health/live", timeout=_CHECK_TIMEOUT_S)
        except httpx.TransportError as error:
            if is_certificate_refused(error):
                raise ServingError(self._trust.explained(self.url, error, self._through)) from error

    def predict(
        self,
        encoded: bytes,
        top_k: TopK = 5,
        *,
        latitude: float | None = None,
        longitude: float | None = None,
        recorded_at: datetime | None = None,
        session_id: str | None = None,
        name: str | None = None,
        priority: Literal["interactive", "batch"] | None = None,
        truncated: Truncated | None = None,
    ) -> RecordingDocument:
        """Ask for one recording.

        Args:
            encoded: The recording's own bytes.
            top_k: How many species a window lists at least.
            latitude: Degrees north of where it was recorded.
            longitude: Degrees east.
            recorded_at: When it was recorded.
            session_id: Ties requests of one walk or stream together in the server's log.
            name: What the recording is called.
            priority: Batch work waits for everybody else's; the server decides where it is not said.
            truncated: What becomes of a file that ends before its recording does; `note` where it is not said.

        Raises:
            RefusedRecordingError: The server answers that the recording cannot be used.
            BusyError: It would rather be asked later, and patience is at its end.
            ServingError: There is no server, it does not know the key, or it fails.
        """
        known = {
            "latitude": latitude,
            "longitude": longitude,
            "recorded_at": recorded_at.isoformat() if recorded_at else None,
            "session_id": session_id,
            "name": name,
        }
        instance = {"audio": {"b64": base64.b64encode(encoded).decode()}, **_given(known)}
        body: dict[str, object] = {
            "instances": [instance],
            "parameters": _given({"top_k": top_k, "priority": priority, "truncated": truncated}),
        }
        content = self._ask_patiently(body)
        try:
            document = RecordingDocument.model_validate(content["predictions"][0])
            bundle = content.get("bundle", {})
            if "f_min_hz" in bundle:
                self.band_hz = float(bundle["f_min_hz"]), float(bundle["f_max_hz"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, ValidationError) as error:
            raise self._no_silencio(str(content)) from error
        return document

    def _ask_patiently(self, body: dict[str, object]) -> Any:
        deadline_s = time.monotonic() + self._patience_s
        while True:
            try:
                return self._ask(body)
            except BusyError as error:
                if time.monotonic() + error.retry_after_s > deadline_s:
                    raise
                time.sleep(error.retry_after_s)

    def _ask(self, body: dict[str, object]) -> Any:
        try:
            answer = self._http.post(self._route, json=body)
        except httpx.TransportError as error:
            raise ServingError(self._trust.explained(self.url, error, self._through)) from error
        if answer.status_code in _LATER:
            raise BusyError(_error_text(answer), _retry_after_s(answer))
        if not answer.is_success:
            raise (RefusedRecordingError if answer.status_code in _REFUSALS else ServingError)(_error_text(answer))
        try:
            return answer.json()
        except ValueError as error:
            raise self._no_silencio(answer.text) from error

    def _no_silencio(self, text: str) -> ServingError:
        return ServingError(f"{self.url} answers something that Silencio does not: {text[:200]!r}")


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _retry_after_s(answer: httpx.Response) -> float:
    """A proxy may answer with a date, which is not worth reading."""
    try:
        wait_s = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return _DEFAULT_WAIT_S
    return wait_s if math.isfinite(wait_s) and wait_s > 0 else _DEFAULT_WAIT_S


def _error_text(answer: httpx.Response) -> str:
    try:
        text = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answers {answer.status_code} {answer.reason_phrase}"
    # One recording was sent: its place in the request says nothing to who sent a file.
    return text.removeprefix("instances[0].audio.b64: ")
