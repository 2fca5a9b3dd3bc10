"""Places as the pods of a cluster see them: what can be known of one before a run is sent."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.cluster_objects import RECORDINGS
from silencio.data.installed_sources import is_installed_source
from silencio.data.source import is_listed
from silencio.errors import ConfigError
from silencio.storage import is_local, is_s3

_SEEN = (
    f"pods see the volume claim {RECORDINGS.name}, mounted at {RECORDINGS.mount_path}, and S3, and nothing of this "
    f"machine: copy what is there to the claim and name it {RECORDINGS.mount_path}/…, or to s3://BUCKET/…"
)
# What buckets are called: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html and, of other
# servers, upper case and underscores.
_BUCKET = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+(/.*)?", re.DOTALL)


def check_recordings(data: str) -> None:
    """Refuse `--data` that no pod can read; whether something lies there, only the run can say.

    Raises:
        ConfigError: It is a path of this machine, an `s3://` place without a bucket, or a zip in S3.
    """
    if is_installed_source(data):
        return
    _check_place("--data", data)
    if is_s3(data) and data.endswith(".zip"):  # as `silencio.data.source` says in the run's first steps
        raise ConfigError(f"--data {data!r}: a zip is read from a disk, not from S3: unpack it there, or on the claim")


def check_read(option: str, place: str) -> None:
    """Refuse a place that no pod can read.

    Args:
        option: That names it.
        place: A folder on the claim or an `s3://` prefix.

    Raises:
        ConfigError: It is a path of this machine, or an `s3://` place without a bucket.
    """
    _check_place(option, place)


def check_written(option: str, place: str) -> None:
    """Refuse a place that is kept from run to run and is not in S3: a pod's own files go with it.

    Args:
        option: That names it.
        place: An `s3://` prefix.

    Raises:
        ConfigError: It is another place, or names no bucket.
    """
    if not is_s3(place):
        raise ConfigError(f"{option} {place!r} would go with the pod that writes it: s3://BUCKET/PREFIX is needed")
    _check_place(option, place)


def need_claim(data: str, bundles: Iterable[str], config: Any) -> bool:
    """Whether anything that a run reads may lie on the volume claim.

    Args:
        data: Where the recordings are. A manifest may name files anywhere.
        bundles: Folders or prefixes of earlier bundles.
        config: As for `names_claim`.
    """
    return not is_listed(data) or names_claim([data, *bundles]) or names_claim(config)


def names_claim(values: Any) -> bool:
    """Whether a configuration names files on the volume claim, such as weights.

    Args:
        values: Texts, in dicts and lists at any depth.
    """
    return any(_on_claim(text) for text in _texts(values))


def _check_place(option: str, place: str) -> None:
    if is_s3(place):
        if not _BUCKET.fullmatch(place):
            raise ConfigError(f"{option} {place!r} names no bucket: s3://BUCKET/PREFIX is needed")
    elif "://" in place or not is_local(place):
        raise ConfigError(f"{option} {place!r} is no place that a step reads: {_SEEN}")
    elif not place.startswith("/"):
        raise ConfigError(f"{option} {place!r} is relative to this machine's working folder: {_SEEN}")
    elif not _on_claim(place):
        raise ConfigError(f"{option} {place!r} is not below {RECORDINGS.mount_path}: {_SEEN}")


def _on_claim(text: str) -> bool:
    if not text.startswith("/"):
        return False
    path = "/" + posixpath.normpath(text).lstrip("/")
    return path == RECORDINGS.mount_path or path.startswith(RECORDINGS.mount_path + "/")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
