"""Shadow traffic: copies of answered requests for a transformer with another bundle, whose answers nobody waits for.

Both logs then have the answers of two bundles to the same recordings, by the same `request_id`, and no sound is stored.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from serving.client import Client
from serving.client.client import BUSY_STATUSES
from serving.client.options import CACERT_OPTION, KEY_IN_CLEAR_OPTION
from serving.metrics.process import count_shadow_dropped, count_shadow_sent, expect_shadow
from serving.server.accounting import RequestAccount
from serving.server.protocol import OWN_REQUEST_ID, RELEASE_HEADER, SHADOW_HEADER
from serving.server.recorder_ids import is_recorder_id
from serving.server.request_ids import REQUEST_ID
from serving.settings.shadow import ShadowSettings
from serving.transformer.request import ParsedRequest, RecordingMetadata
from silencio.errors import ConfigError, ServingError

_logger = logging.getLogger("kserve")
# What waits, and what is being sent.
MAX_COPIES = 64
MAX_COPY_BYTES = 64 << 20
# Several recordings need JSON, in which more would hold the interpreter for long.
_MAX_JSON_BYTES = 4 << 20
_TIMEOUT_S = 60.0
_AWAY_S = 5.0
# Each further one would be counted there as a visitor's.
_UNMARKED_S = 300.0
_METADATA = frozenset(RecordingMetadata.model_fields)
_ALL_IDS = 1 << 32


@dataclass(frozen=True)
class _Copy:
    """A request to be sent again.

    Attributes:
        request_id: The id by which the visitor's was logged.
        offered_id: The client's own id; empty where it had none.
        release_id: The release by which the visitor's came; empty outside of one.
        contents: Recordings as they came.
        metadata: Metadata of each, as JSON.
        truncated: The option of that name.
    """

    request_id: str
    offered_id: str
    release_id: str
    contents: tuple[bytes, ...]
    metadata: tuple[dict[str, Any], ...]
    truncated: str

    @property
    def n_bytes(self) -> int:
        return sum(map(len, self.contents))


class ShadowTraffic:
    """A bounded queue, and a thread that sends what is in it, one copy at a time, as batch work.

    What does not fit is dropped and counted: whether the other transformer is slow, away or broken, no visitor waits
    for it, and none fails.

    Args:
        client: The other transformer's client, with a key of role admin where it wants keys.
        share: Share of requests that are copied, 0 to 1.
        max_copies: Copies held at once.
        max_bytes: Bytes of their recordings.

    Attributes:
        n_sent: Copies that were answered.
        n_dropped: Copies by reason: `full` (the other is slow, or the recordings are large), `busy` (429 or 503),
            `refused` (another status), `unreachable`, `unmarked` (it does not believe that they are copies), `closed`.
    """

    def __init__(
        self, client: Client, share: float, *, max_copies: int = MAX_COPIES, max_bytes: int = MAX_COPY_BYTES
    ) -> None:
        self._client = client
        self._share = share
        self._max_copies, self._max_bytes = max_copies, max_bytes
        self.n_sent = 0
        self.n_dropped: Counter[str] = Counter()
        self._waiting: deque[_Copy] = deque()
        self._n_held, self._n_held_bytes = 0, 0
        self._paused_until_s, self._paused_for = 0.0, ""
        self._changed = threading.Condition()
        self._closing = False
        expect_shadow()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def follow(
        self, account: RequestAccount, parsed: ParsedRequest, request_id: str, headers: Mapping[str, str]
    ) -> None:
        """Have a request copied once it was answered, if it is among those that are copied.

        Features are not: another bundle may have other ones.

        Args:
            account: Its account; copies are made of visitors' requests alone.
            parsed: The request.
            request_id: The server's own id of it.
            headers: Its headers.
        """
        if not account.is_visitor or not parsed.recordings or not self._is_copied(request_id):
            return
        copy = _Copy(
            request_id,
            "" if headers.get(REQUEST_ID) == request_id else headers.get(REQUEST_ID, ""),
            account.release_id,
            tuple(one.content for one in parsed.recordings),
            tuple(_metadata(one.metadata, account.key_name) for one in parsed.recordings),
            parsed.options.truncated,
        )
        account.on_answered = partial(self._offer, copy)

    def _is_copied(self, request_id: str) -> bool:
        """By the id, which is drawn evenly: whoever has a row of the log knows whether there is another one."""
        return int(request_id[:8], 16) < self._share * _ALL_IDS

    def _offer(self, copy: _Copy) -> None:
        is_large = len(copy.contents) > 1 and copy.n_bytes > _MAX_JSON_BYTES
        with self._changed:
            if self._closing:
                self._drop("closed")
            elif time.monotonic() < self._paused_until_s:
                self._drop(self._paused_for)
            elif is_large or self._n_held >= self._max_copies or self._n_held_bytes + copy.n_bytes > self._max_bytes:
                self._drop("full")
            else:
                self._waiting.append(copy)
                self._n_held += 1
                self._n_held_bytes += copy.n_bytes
                self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """Send nothing more; a copy that is on its way has so long, and is then left to itself."""
        with self._changed:
            self._closing = True
            self._drop("closed", len(self._waiting))
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(timeout_s)
        # A scrape never sees what is counted now.
        dropped = ", ".join(f"{n} {reason}" for reason, n in sorted(self.n_dropped.items())) or "none"
        _logger.info("shadow traffic: closed after %d copies; dropped: %s", self.n_sent, dropped)

    def _run(self) -> None:
        with self._client:
            while (copy := self._next()) is not None:
                try:
                    self._send(copy)
                except Exception:  # the thread must live: one copy is lost, and the log says why
                    _logger.exception("shadow traffic: not foreseen")
                    self._drop("refused")
                with self._changed:
                    self._n_held -= 1
                    self._n_held_bytes -= copy.n_bytes

    def _next(self) -> _Copy | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._waiting)
            return None if self._closing else self._waiting.popleft()

    def _send(self, copy: _Copy) -> None:
        headers = {SHADOW_HEADER: "1", OWN_REQUEST_ID: copy.request_id}
        if copy.offered_id:
            headers[REQUEST_ID] = copy.offered_id
        if copy.release_id:
            # A proxy knows it, before both; the other transformer, to which this goes past it, may not.
            headers[RELEASE_HEADER] = copy.release_id
        content, media_type, query = _body(copy)
        try:
            response = self._client.post(content, media_type, query, headers=headers)
        except ServingError as error:
            self._pause("unreachable", _AWAY_S, str(error))
            return
        if response.headers.get(SHADOW_HEADER) != "1" and response.is_success:
            text = (
                f"{self._client.url} does not believe that copies are copies, and counts them as visitors: give "
                "--shadow_key a key of role admin there, or start it with --trust_marks"
            )
            self._pause("unmarked", _UNMARKED_S, text)
        elif response.is_success:
            self._sent()
        elif response.status_code in BUSY_STATUSES:
            self._drop("busy")
        else:
            self._drop("refused", 1, f"{response.status_code}: {response.text[:200]}")

    def _sent(self) -> None:
        self.n_sent += 1
        count_shadow_sent()

    def _pause(self, reason: str, seconds: float, text: str) -> None:
        """The next copies of some seconds, and those that wait, are dropped without being tried."""
        with self._changed:
            self._paused_until_s, self._paused_for = time.monotonic() + seconds, reason
            n_waiting = len(self._waiting)
            self._n_held -= n_waiting
            self._n_held_bytes -= sum(one.n_bytes for one in self._waiting)
            self._waiting.clear()
            self._drop(reason, 1 + n_waiting, text)

    def _drop(self, reason: str, n_copies: int = 1, text: str = "") -> None:
        if not n_copies:
            return
        with self._changed:
            if reason not in self.n_dropped and reason != "closed":
                _logger.error("shadow traffic: copies are dropped, reason: %s%s", reason, f" ({text})" if text else "")
            self.n_dropped[reason] += n_copies
        count_shadow_dropped(reason, n_copies)


def open_shadow(settings: ShadowSettings, model_name: str) -> ShadowTraffic | None:
    """The shadow traffic that the settings ask for; None where they ask for none.

    Raises:
        ConfigError: Address, key or certificate cannot be used.
    """
    if settings.shadow is None:
        return None
    try:
        key = None if settings.shadow_key is None else settings.shadow_key.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"--shadow_key {settings.shadow_key} cannot be read: {error}") from error
    if key == "":
        raise ConfigError(f"--shadow_key {settings.shadow_key} is empty: it must hold a key of role admin")
    try:
        client = Client(
            settings.shadow,
            _TIMEOUT_S,
            model_name,
            api_key=key,
            key_in_clear=settings.shadow_key_in_clear,
            cacert=settings.shadow_ca,
        )
    except (ConfigError, ServingError) as error:
        text = str(error).replace(KEY_IN_CLEAR_OPTION, "--shadow_key_in_clear").replace(CACERT_OPTION, "--shadow_ca")
        raise ConfigError(f"--shadow: {text}") from error
    return ShadowTraffic(client, settings.shadow_share)


def _metadata(metadata: RecordingMetadata, key_name: str) -> dict[str, Any]:
    """As JSON. A copy comes with another key: where that of the request stands for the recorder, it is named."""
    known = metadata.model_dump(mode="json", include=set(_METADATA), exclude_none=True)
    return {"device_id": key_name} | known if is_recorder_id(key_name) else known


def _body(copy: _Copy) -> tuple[bytes, str, dict[str, str] | None]:
    """One recording as its own bytes, which costs nothing; several as JSON.

    Returns:
        Body, media type and query.
    """
    if len(copy.contents) == 1:
        query = {name: str(value) for name, value in copy.metadata[0].items()}
        query |= {"top_k": "1", "priority": "batch", "truncated": copy.truncated}
        return copy.contents[0], "application/octet-stream", query
    instances = [
        {"audio": {"b64": base64.b64encode(content).decode()}, **metadata}
        for content, metadata in zip(copy.contents, copy.metadata, strict=True)
    ]
    options = {"top_k": 1, "priority": "batch", "truncated": copy.truncated}
    return json.dumps({"instances": instances, "parameters": options}).encode(), "application/json", None
