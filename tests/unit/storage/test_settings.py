"""What the environment says of S3."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from silencio.errors import ConfigError
from silencio.storage.settings import S3Settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SILENCIO_S3_", "SILENCIO_SECRETS_")):
            monkeypatch.delenv(name)


def test_docstring__names_every_variable_that_is_read() -> None:
    read = {S3Settings.variable(name) for name in S3Settings.model_fields}
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
    monkeypatch.setenv("SILENCIO_S3_ACCESS_KEY", "")
    with pytest.raises(ConfigError) as caught:
        S3Settings()
    assert "very-secret" not in f"{caught.value}{caught.value.__cause__}"


def test_secrets__lie_in_a_folder_a_file_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Kubernetes and Docker mount them, with the line's end that an editor adds."""
    (tmp_path / "SILENCIO_S3_ACCESS_KEY").write_text("reader\n")
    (tmp_path / "SILENCIO_S3_SECRET_KEY").write_text("very-secret\n")
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "minio:9000")
    monkeypatch.setenv("SILENCIO_SECRETS_DIR", str(tmp_path))
    assert (S3Settings().access_key, S3Settings().secret_key) == ("reader", "very-secret")
    # What stands in the environment is nearer.
    monkeypatch.setenv("SILENCIO_S3_SECRET_KEY", "other")
    assert S3Settings().secret_key == "other"


def test_secrets__in_a_folder_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "minio:9000")
    monkeypatch.setenv("SILENCIO_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="SILENCIO_SECRETS_DIR=.*nowhere': there is no such folder"):
        S3Settings()
