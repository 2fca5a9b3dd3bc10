"""What the environment says of S3."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import silencio.storage.settings
from silencio.errors import ConfigError
from silencio.storage.settings import S3Settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SILENCIO_S3_"):
            monkeypatch.delenv(name)


def test_docstring__names_every_variable_that_is_read() -> None:
    code = Path(silencio.storage.settings.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r"\"(SILENCIO_S3_[A-Z_]+)\"", code))
    assert read == set(re.findall(r"`(SILENCIO_S3_[A-Z_]+)`", str(S3Settings.__doc__)))


@pytest.mark.parametrize(
    ("endpoint", "secure", "expected"),
    [
        ("127.0.0.1:9000", None, ("127.0.0.1:9000", True)),
        ("127.0.0.1:9000", "false", ("127.0.0.1:9000", False)),
        ("127.0.0.1:9000", "0", ("127.0.0.1:9000", False)),
        ("s3.amazonaws.com", "True", ("s3.amazonaws.com", True)),
        ("http://minio:9000", None, ("minio:9000", False)),
        ("https://minio:9000/", "false", ("minio:9000", True)),
    ],
)
def test_endpoint__host_and_scheme(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, secure: str | None, expected: tuple[str, bool]
) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", endpoint)
    if secure is not None:
        monkeypatch.setenv("SILENCIO_S3_SECURE", secure)
    settings = S3Settings()
    assert (settings.endpoint, settings.secure) == expected


@pytest.mark.parametrize("endpoint", ["http://", "minio:9000/bucket", "https://minio:9000/bucket", "minio 9000"])
def test_endpoint__that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", endpoint)
    with pytest.raises(ConfigError, match=f"SILENCIO_S3_ENDPOINT={endpoint!r}: host and port are needed"):
        S3Settings()


def test_endpoint__not_set_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="SILENCIO_S3_ENDPOINT is not set: an s3:// place needs it, such as"):
        S3Settings()


def test_secure__that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "minio:9000")
    monkeypatch.setenv("SILENCIO_S3_SECURE", "maybe")
    with pytest.raises(ConfigError, match="SILENCIO_S3_SECURE='maybe': true .* or false"):
        S3Settings()


@pytest.mark.parametrize("name", ["SILENCIO_S3_ACCESS_KEY", "SILENCIO_S3_SECRET_KEY"])
def test_keys__one_without_the_other_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "minio:9000")
    monkeypatch.setenv(name, "x")
    with pytest.raises(ConfigError, match="belong together"):
        S3Settings()


def test_secret__is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "minio:9000")
    monkeypatch.setenv("SILENCIO_S3_ACCESS_KEY", "reader")
    monkeypatch.setenv("SILENCIO_S3_SECRET_KEY", "very-secret")
    assert S3Settings().secret_key == "very-secret"
    assert "very-secret" not in repr(S3Settings())
