"""What became of each delivery: a bundle and the recordings that it was held against, once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from silencio.bundle.manifest import BundleManifest
from silencio.errors import ReleaseError, ReleaseRefusedError
from silencio.storage import exists, join, read_bytes, write_bytes

FOLDER = "deliveries"


class Delivery(BaseModel):
    """One delivery that has come to its end.

    Attributes:
        challenger: SHA-256 of the bundle's manifest.
        version: Version of the bundle.
        recordings_version: Version of the recordings that it was held against.
        outcome: Whether it was `refused`, or `offered` to visitors: what becomes of it then is the release's.
        why: For people.
        place: Where the packaged bundle is; empty where it was refused.
        at: When, RFC 3339.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    challenger: str
    version: str
    recordings_version: str
    outcome: Literal["refused", "offered"]
    why: str
    place: str = ""
    at: str


def delivery_of(packages: str, challenger: str, recordings_version: str) -> Delivery | None:
    """The delivery of a bundle with these recordings; None: there was none.

    Args:
        packages: Folder or `s3://` prefix of packaged bundles.
        challenger: SHA-256 of the bundle's manifest.
        recordings_version: Version of the recordings.

    Raises:
        StorageError: The place does not answer.
        ReleaseError: What lies there is no delivery.
    """
    uri = _uri(packages, challenger, recordings_version)
    if not exists(uri):
        return None
    try:
        return Delivery.model_validate_json(read_bytes(uri))
    except ValidationError as error:
        raise ReleaseError(f"{uri} is no delivery of ours: move it away, and the bundle is delivered anew") from error


def keep_delivery(packages: str, delivery: Delivery) -> None:
    """Write it, over an earlier one of the same bundle with the same recordings.

    Raises:
        StorageError: It cannot be written.
    """
    uri = _uri(packages, delivery.challenger, delivery.recordings_version)
    write_bytes(uri, delivery.model_dump_json(indent=1).encode())


@contextmanager
def refusal_noted(packages: str, challenger: BundleManifest, recordings_version: str) -> Iterator[None]:
    """Note what refuses a bundle meanwhile, so that it is not tried again and again, and let the refusal go on.

    Args:
        packages: As for `delivery_of`.
        challenger: The bundle that is delivered.
        recordings_version: Version of the recordings.

    Raises:
        ReleaseRefusedError: The refusal.
        StorageError: It could not be noted.
    """
    try:
        yield
    except ReleaseRefusedError as refusal:
        note = Delivery(
            challenger=challenger.manifest_sha256,
            version=challenger.version,
            recordings_version=recordings_version,
            outcome="refused",
            why=str(refusal),
            at=now(),
        )
        keep_delivery(packages, note)
        raise


def now() -> str:
    """The time, as deliveries have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _uri(packages: str, challenger: str, recordings_version: str) -> str:
    key = hashlib.sha256(f"{challenger} {recordings_version}".encode()).hexdigest()[:24]
    return join(packages, FOLDER, f"{key}.json")
