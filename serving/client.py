"""Ask a transformer by its address."""

from __future__ import annotations

import base64
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from serving.agreement import MODEL_NAME
from silencio.detections import RecordingDocument
from silencio.detections.documents import TopK
from silencio.errors import ServingError

_LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost"}


class RefusedRecordingError(ServingError):
    """The server does not take this recording; it may well take others."""


class Client:
    """A transformer at an address; a context manager that keeps one connection.

    Args:
        url: Like `http://127.0.0.1:8080`.
        timeout_s: Longest wait for one answer.
        model_name: As on the route.
    """

    def __init__(self, url: str, timeout_s: float = 300.0, model_name: str = MODEL_NAME) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServingError(f"{url!r} is no address of a server: http://HOST:PORT is needed")
        self.url = url.rstrip("/")
        self._route = f"{self.url}/v1/models/{model_name}:predict"
        # A proxy of the environment cannot reach this machine's loopback.
        self._http = httpx.Client(timeout=timeout_s, trust_env=parts.hostname not in _LOOPBACK_HOSTS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def predict(self, encoded: bytes, top_k: TopK) -> RecordingDocument:
        """Ask for one recording.

        Args:
            encoded: The recording's own bytes.
            top_k: How many species a window lists.

        Raises:
            RefusedRecordingError: The server answers that the recording cannot be used.
            ServingError: There is no server, or it fails.
        """
        audio = {"b64": base64.b64encode(encoded).decode()}
        body = {"instances": [{"audio": audio}], "parameters": {"top_k": top_k}}
        try:
            answer = self._http.post(self._route, json=body)
        except httpx.TransportError as error:
            raise ServingError(f"{self.url} does not answer: {error or type(error).__name__}") from error
        if not answer.is_success:
            kind = RefusedRecordingError if answer.status_code in (400, 413) else ServingError
            raise kind(_error_text(answer))
        try:
            return RecordingDocument.model_validate(answer.json()["predictions"][0])
        except (ValueError, KeyError, IndexError, TypeError, ValidationError) as error:
            raise ServingError(f"{self.url} answers something that Silencio does not: {answer.text[:200]!r}") from error


def _error_text(answer: httpx.Response) -> str:
    try:
        text = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answers {answer.status_code} {answer.reason_phrase}"
    # One recording was sent: its place in the request says nothing to who sent a file.
    return text.removeprefix("instances[0].audio.b64: ")
