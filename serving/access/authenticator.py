"""Authentication for both protocols: the key of a request, and whether its quota has room."""

from __future__ import annotations

import hmac
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

from serving.access.keys import ApiKey, digest_of, read_keys
from serving.access.quota import TokenBucket
from silencio.errors import ConfigError

# By its name, not from the SDK: the commands that make keys need no KServe.
_logger = logging.getLogger("kserve")
_SCHEME = "bearer"
# A deleted key stops within this time.
_REREAD_S = 2.0


class AccessError(Exception):
    """A request without a key that is known and has quota left.

    Attributes:
        reason: One sentence for the client.
        retry_after_s: Whole seconds until the quota has room; 0 where the key is missing or unknown.
        key_name: Name of the key whose quota is used up; empty where the key is missing or unknown.
    """

    def __init__(self, reason: str, retry_after_s: int = 0, key_name: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.key_name = key_name


class Authenticator:
    """The keys of a file, which is read again when it changes, and the quota that each of them has left.

    Args:
        keys_file: A file as `serving.access.keys` describes.
        clock: Seconds that never go back.

    Raises:
        ConfigError: The file cannot be used. A file that breaks later leaves the keys as they were, and is logged.
    """

    def __init__(self, keys_file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = keys_file
        self._clock = clock
        self._buckets: dict[bytes, TokenBucket] = {}
        self._version = self._file_version()
        self._looked_at_s = clock()
        self._keys = read_keys(keys_file)

    def authenticate(self, authorization: str | None, api_key: str | None) -> ApiKey:
        """Find a request's key, and take the request off its quota.

        Args:
            authorization: `Bearer KEY`.
            api_key: `KEY`; looked at where there is no bearer.

        Returns:
            The key.

        Raises:
            AccessError: No key, an unknown one, or one whose quota is used up.
        """
        self._reread_when_changed()
        offered = _bearer(authorization) or api_key
        if not offered:
            raise AccessError("an API key is needed: send it as Authorization: Bearer KEY, or as X-API-Key")
        key = self._find(digest_of(offered))
        if key is None:
            raise AccessError("the API key is not known here")
        now_s = self._clock()
        bucket = self._buckets.setdefault(key.digest, TokenBucket(key.burst, now_s))
        wait_s = bucket.take(now_s, key.requests_per_minute, key.burst)
        if wait_s:
            raise AccessError(
                f"key {key.name} may send {key.requests_per_minute:g} requests a minute",
                max(1, math.ceil(wait_s)),
                key.name,
            )
        return key

    def _find(self, digest: bytes) -> ApiKey | None:
        """Every key is compared, each in constant time: how long it takes says nothing of how near a guess was."""
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def _reread_when_changed(self) -> None:
        now_s = self._clock()
        if now_s - self._looked_at_s < _REREAD_S:
            return
        self._looked_at_s = now_s
        version = self._file_version()
        if version == self._version:
            return
        self._version = version
        try:
            self._keys = read_keys(self._path)
        except ConfigError as error:
            _logger.error("the keys stay as they were: %s", error)
            return
        digests = {key.digest for key in self._keys}
        self._buckets = {digest: bucket for digest, bucket in self._buckets.items() if digest in digests}
        _logger.info("keys file %s was read again: %d keys", self._path, len(self._keys))

    def _file_version(self) -> tuple[int, int, int] | None:
        try:
            facts = self._path.stat()  # follows links: a mounted Kubernetes secret changes by a link
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _bearer(authorization: str | None) -> str | None:
    scheme, _, key = (authorization or "").strip().partition(" ")
    return key.strip() if scheme.lower() == _SCHEME else None
