"""Where S3 is and who asks: read from the environment, as `silencio.settings` is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from silencio.errors import ConfigError

_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")


def _endpoint() -> str:
    text = os.environ.get("SILENCIO_S3_ENDPOINT", "")
    if not text:
        raise ConfigError(
            "SILENCIO_S3_ENDPOINT is not set: an s3:// place needs it, such as 127.0.0.1:9000 or s3.amazonaws.com"
        )
    host = text.removeprefix("https://").removeprefix("http://").rstrip("/")
    if not host or "/" in host or " " in host:
        raise ConfigError(f"SILENCIO_S3_ENDPOINT={text!r}: host and port are needed, such as 127.0.0.1:9000")
    return host


def _secure() -> bool:
    # A scheme in the endpoint says the same, and says it nearer.
    endpoint = os.environ.get("SILENCIO_S3_ENDPOINT", "")
    if endpoint.startswith(("http://", "https://")):
        return endpoint.startswith("https://")
    text = os.environ.get("SILENCIO_S3_SECURE", "true").lower()
    if text not in _YES + _NO:
        raise ConfigError(f"SILENCIO_S3_SECURE={text!r}: true (https) or false (http) is needed")
    return text in _YES


def _text(name: str) -> str | None:
    return os.environ.get(name) or None


@dataclass(frozen=True)
class S3Settings:
    """What the environment says of S3.

    Attributes:
        endpoint: Host and port (`SILENCIO_S3_ENDPOINT`); a URL is taken too, its scheme then decides `secure`.
        secure: https and not http (`SILENCIO_S3_SECURE`; default true).
        access_key: Who asks (`SILENCIO_S3_ACCESS_KEY`); without it public buckets alone can be read.
        secret_key: The key's secret (`SILENCIO_S3_SECRET_KEY`).
        region: Region of the buckets (`SILENCIO_S3_REGION`; default: the server is asked).

    Raises:
        ConfigError: The endpoint is not set, a value cannot be used, or a key is without its secret.
    """

    endpoint: str = field(default_factory=_endpoint)
    secure: bool = field(default_factory=_secure)
    access_key: str | None = field(default_factory=lambda: _text("SILENCIO_S3_ACCESS_KEY"))
    secret_key: str | None = field(default_factory=lambda: _text("SILENCIO_S3_SECRET_KEY"), repr=False)
    region: str | None = field(default_factory=lambda: _text("SILENCIO_S3_REGION"))

    def __post_init__(self) -> None:
        if (self.access_key is None) != (self.secret_key is None):
            raise ConfigError("SILENCIO_S3_ACCESS_KEY and SILENCIO_S3_SECRET_KEY belong together: one is not set")
