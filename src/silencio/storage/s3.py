"""Any S3, by the minio client, which is imported when the first s3:// place is touched."""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.errors import StorageError
from silencio.network import trusted_certificates
from silencio.storage.settings import S3Settings
from silencio.storage.uris import name_of, split_s3

if TYPE_CHECKING:
    from minio import Minio
    from minio.datatypes import Object
    from minio.error import S3Error

# A server that is not there must be told from a slow one within seconds, not minutes.
_CONNECT_S, _READ_S = 3.0, 10.0
_REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")


def read_object(uri: str) -> bytes:
    """The bytes of an object.

    Raises:
        StorageError: As `explained`.
    """
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    bucket, key = split_s3(uri)
    with explained(uri) as client:
        try:
            return _body(client, bucket, key)
        except (ProtocolError, ReadTimeoutError):
            # A connection may break in the middle of a body, where urllib3 does not try again by itself.
            return _body(client, bucket, key)


def _body(client: Minio, bucket: str, key: str) -> bytes:
    response = client.get_object(bucket, key)
    try:
        return bytes(response.read())
    finally:
        response.close()
        response.release_conn()


def write_object(uri: str, content: bytes | Path) -> None:
    """Put bytes or a file; an object appears whole or not at all.

    Raises:
        StorageError: As `explained`.
    """
    bucket, key = split_s3(uri)
    with explained(uri) as client:
        if isinstance(content, Path):
            client.fput_object(bucket, key, str(content))
        else:
            client.put_object(bucket, key, io.BytesIO(content), len(content))


def fetch_object(uri: str, path: Path) -> None:
    """Write an object to a file, without holding it in memory.

    Raises:
        StorageError: As `explained`.
    """
    bucket, key = split_s3(uri)
    with explained(uri) as client:
        client.fget_object(bucket, key, str(path))


def object_exists(uri: str) -> bool:
    """Whether there is an object of exactly this key."""
    bucket, key = split_s3(uri)
    try:
        with explained(uri) as client:
            client.stat_object(bucket, key)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise
    return True


def objects_below(uri: str) -> list[Object]:
    """Every object below a prefix.

    Raises:
        StorageError: As `explained`.
    """
    bucket, key = split_s3(uri)
    prefix = f"{key.rstrip('/')}/" if key else ""
    with explained(uri) as client:
        found = client.list_objects(bucket, prefix=prefix, recursive=True)
        # Consoles mark a folder by an empty object whose name ends in a slash.
        return [one for one in found if one.object_name and not one.object_name.endswith("/")]


def folders_below(uri: str) -> list[str]:
    """The names of what would be folders right below a prefix; their objects are not listed.

    Raises:
        StorageError: As `explained`.
    """
    bucket, key = split_s3(uri)
    prefix = f"{key.rstrip('/')}/" if key else ""
    with explained(uri) as client:
        found = client.list_objects(bucket, prefix=prefix, recursive=False)
        return [name_of(one.object_name) for one in found if one.is_dir and one.object_name]


@contextlib.contextmanager
def explained(uri: str) -> Iterator[Minio]:
    """A client for a URI; whatever goes wrong with it is one sentence.

    Raises:
        StorageError: No such object (its cause is then a `FileNotFoundError`) or bucket, the key is refused, the server
            is not reached or is no S3.
        ConfigError: The environment does not say where S3 is, or names certificates that cannot be used.
    """
    from minio.error import MinioException, S3Error
    from urllib3.exceptions import HTTPError

    settings = S3Settings()
    try:
        yield _client(settings)
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise StorageError(f"{uri} is missing") from FileNotFoundError(errno.ENOENT, "no such object", uri)
        raise StorageError(_refusal(uri, settings, error)) from error
    except HTTPError as error:
        raise StorageError(
            f"{uri}: no usable answer from {settings.endpoint} ({_reason(error)}): check SILENCIO_S3_ENDPOINT, "
            "SILENCIO_S3_SECURE and the network"
        ) from error
    except MinioException as error:
        answer = str(error).partition(", Body:")[0]  # the body is a page for browsers
        raise StorageError(
            f"{uri}: {settings.endpoint} answers, but not as S3 does ({answer}): check SILENCIO_S3_ENDPOINT"
        ) from error
    except ValueError as error:
        raise StorageError(f"{uri} cannot be a place in S3: {str(error) or 'it names no object'}") from error


def _refusal(uri: str, settings: S3Settings, error: S3Error) -> str:
    if error.code == "NoSuchBucket":
        return f"{uri}: {settings.endpoint} has no bucket {split_s3(uri)[0]!r}"
    if error.code in _REFUSED:
        who = "anonymous access" if settings.access_key is None else f"access key {settings.access_key!r}"
        return (
            f"{uri}: {settings.endpoint} refuses {who} ({error.code}): check SILENCIO_S3_ACCESS_KEY and "
            "SILENCIO_S3_SECRET_KEY"
        )
    return f"{uri}: {settings.endpoint} says {error.code}: {error.message}"


def _reason(error: Exception) -> str:
    """urllib3 wraps the reason, which begins with the connection's address in memory."""
    reason = getattr(error, "reason", None) or error
    return str(reason).split(": ", 1)[-1] if "object at 0x" in str(reason) or "(host=" in str(reason) else str(reason)


@lru_cache(maxsize=4)
def _client(settings: S3Settings) -> Minio:
    import certifi
    import urllib3
    from minio import Minio

    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
        retries=urllib3.Retry(
            total=2, connect=1, read=1, other=0, backoff_factor=0.3, status_forcelist=(500, 502, 503)
        ),
        maxsize=32,
        ca_certs=str((settings.secure and trusted_certificates("SSL_CERT_FILE")) or certifi.where()),
    )
    return Minio(
        settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        secure=settings.secure,
        region=settings.region,
        http_client=pool,
    )
