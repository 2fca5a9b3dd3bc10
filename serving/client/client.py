"""Requests to a transformer by its address."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import ValidationError

from serving.client.connection import check_address, connection, trust_for
from serving.client.errors import BusyError, RefusedRecordingError, UnreachableError, UntrustedServerError
from serving.client.retry import RetryPolicy, retry_after_s
from serving.client.trust import is_certificate_refused, shows_certificate
from serving.server.protocol import MODEL_NAME, SESSION_HEADER, Priority
from silencio.audio import Truncated
from silencio.detections import RecordingDocument
from silencio.detections.documents import TopK
from silencio.errors import ConfigError, ServingError
from silencio.network import proxy_of

# What is wrong with this recording or its request, not with the server or the key.
_REFUSED_STATUSES = {400, 413, 415, 422}
# What may be sent again later.
BUSY_STATUSES = frozenset({429, 503})
_DEFAULT_RETRY_AFTER_S = 1.0
_CHECK_TIMEOUT_S = 5.0
_PREDICT = ":predict"


class Client:
    """A transformer at an address; a context manager that keeps one connection.

    Args:
        url: Like `http://127.0.0.1:8080`.
        timeout_s: Longest wait for one answer.
        model_name: The model's name on the route.
        api_key: The key, sent as a bearer token; none is sent where it is None or empty.
        retry: When `predict` sends a recording again; by default never.
        wait: Waits between attempts, as `RetryPolicy.call` takes it; by default it sleeps.
        key_in_clear: The key may go to another machine without TLS.
        cacert: PEM of whoever signed the server's certificate; None: as the environment says, else public authorities.

    Attributes:
        route: The predict route, whole.
        trust: Certificates that are taken.
        headers: Headers that show the key.
        band_hz: Lowest and highest frequency that the server's bundle uses; None before the first answer, and where
            the server does not say.

    Raises:
        ServingError: `url` is no address, or the environment names a proxy that cannot be used.
        ConfigError: The key is none, or would go out in clear; or certificates that are named cannot be used.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = 300.0,
        model_name: str = MODEL_NAME,
        *,
        api_key: str | None = None,
        retry: RetryPolicy | None = None,
        wait: Callable[[float], bool] | None = None,
        key_in_clear: bool = False,
        cacert: Path | None = None,
    ) -> None:
        check_address(url)
        if api_key and not (api_key.isascii() and api_key.isprintable() and api_key.strip() == api_key):
            raise ConfigError("the API key is none: it must be one line of ASCII without blanks around it")
        self.url = url.rstrip("/")
        self.route = f"{self.url}/v1/models/{model_name}{_PREDICT}"
        self.trust = trust_for(url, cacert)
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.band_hz: tuple[float, float] | None = None
        self._retry = retry or RetryPolicy()
        self._wait = wait
        self._http = connection(url, timeout_s, api_key, key_in_clear=key_in_clear, trust=self.trust)
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
            UntrustedServerError: It is not taken; the message names who would have to sign it.
        """
        if not shows_certificate(self.url):
            return
        try:
            self._http.get(f"{self.url}/v2/health/live", timeout=_CHECK_TIMEOUT_S)
        except httpx.TransportError as error:
            if is_certificate_refused(error):
                raise UntrustedServerError(self.trust.explained(self.url, error, self._through)) from error

    def model_status(self) -> int:
        """Ask whether the model is served, once.

        Returns:
            The response's status: 200 where it is, 404 where it is not.

        Raises:
            UntrustedServerError: The server's certificate is not taken.
            UnreachableError: No response came.
        """
        try:
            return self._http.get(self.route.removesuffix(_PREDICT)).status_code
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def post(
        self,
        content: bytes,
        media_type: str,
        query: Mapping[str, str] | None = None,
        *,
        session_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a body to the predict route, once.

        Args:
            content: The body.
            media_type: Its `Content-Type`.
            query: Options in the address, for uploads.
            session_id: Sent where a proxy before two arms can read it, which reads no bodies.
            headers: Further headers.

        Returns:
            The server's response, whatever its status.

        Raises:
            UntrustedServerError: The server's certificate is not taken.
            UnreachableError: No response came.
        """
        try:
            named = httpx.Headers(
                {"Content-Type": media_type, **_session_header(session_id), **(headers or {})}, encoding="utf-8"
            )
            return self._http.post(self.route, content=content, headers=named, params=query)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> UntrustedServerError | UnreachableError:
        message = self.trust.explained(self.url, error, self._through)
        return UntrustedServerError(message) if is_certificate_refused(error) else UnreachableError(message, error)

    def predict(
        self,
        encoded: bytes,
        top_k: TopK = 5,
        *,
        latitude: float | None = None,
        longitude: float | None = None,
        recorded_at: datetime | None = None,
        session_id: str | None = None,
        site_id: str | None = None,
        device_id: str | None = None,
        name: str | None = None,
        priority: Priority | None = None,
        truncated: Truncated | None = None,
    ) -> RecordingDocument:
        """Have one recording scored.

        Args:
            encoded: The file's bytes.
            top_k: How many species a window lists at least.
            latitude: Degrees north of where it was recorded.
            longitude: Degrees east.
            recorded_at: When it was recorded.
            session_id: Ties requests of one walk or stream together: in the server's log, and, where two bundles
                share visitors, at one of them.
            site_id: Where the recorder stands.
            device_id: Which recorder it is; None leaves it to the key's name.
            name: The recording's name.
            priority: Batch work waits for everybody else's; None leaves it to the server.
            truncated: What becomes of a file that ends before its recording does; None is `note`.

        Raises:
            RefusedRecordingError: The server answers that the recording cannot be used.
            BusyError: It is too busy, and the retry policy allows no further attempt.
            ServingError: There is no server, it does not know the key, or it fails.
        """
        metadata = {
            "latitude": latitude,
            "longitude": longitude,
            "recorded_at": recorded_at.isoformat() if recorded_at else None,
            "session_id": session_id,
            "site_id": site_id,
            "device_id": device_id,
            "name": name,
        }
        instance = {"audio": {"b64": base64.b64encode(encoded).decode()}, **_given(metadata)}
        options = _given({"top_k": top_k, "priority": priority, "truncated": truncated})
        content = {"instances": [instance], "parameters": options}
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        return self._retry.call(lambda: self._predict(body, session_id), self._wait)

    def _predict(self, body: bytes, session_id: str | None) -> RecordingDocument:
        response = self.post(body, "application/json", session_id=session_id)
        if response.status_code in BUSY_STATUSES:
            after_s = retry_after_s(response.headers.get("Retry-After", ""))
            raise BusyError(_error_text(response), after_s or _DEFAULT_RETRY_AFTER_S)
        if not response.is_success:
            is_refused = response.status_code in _REFUSED_STATUSES
            raise (RefusedRecordingError if is_refused else ServingError)(_error_text(response))
        try:
            content = response.json()
            document = RecordingDocument.model_validate(content["predictions"][0])
            bundle = content.get("bundle", {})
            if "f_min_hz" in bundle:
                self.band_hz = float(bundle["f_min_hz"]), float(bundle["f_max_hz"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, ValidationError) as error:
            text = f"{self.url} answers something that Silencio does not: {response.text[:200]!r}"
            raise ServingError(text) from error
        return document


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _session_header(session_id: str | None) -> dict[str, str]:
    """As a header can have it: what has blanks around it, or line breaks, stands in the body alone."""
    if not session_id or not session_id.isprintable() or session_id.strip() != session_id:
        return {}
    return {SESSION_HEADER: session_id}


def _error_text(response: httpx.Response) -> str:
    try:
        text = str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"{response.url} answers {response.status_code} {response.reason_phrase}"
    # One recording was sent: its place in the request says nothing to who sent a file.
    return text.removeprefix("instances[0].audio.b64: ")
