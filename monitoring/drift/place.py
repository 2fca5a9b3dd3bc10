"""What a place keeps of drift: a folder or s3:// prefix with one `date=YYYY-MM-DD/drift.json` a day."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

from pydantic import ValidationError

from silencio.drift.document import DriftDocument
from silencio.errors import DataError, StorageError
from silencio.storage import exists, is_local, is_missing, join, list_folders, local_path, read_bytes, write_bytes

DOCUMENT, INPUTS, PAGE = "drift.json", "inputs.json", "index.html"
_PARTITION = "date="


def day_place(place: str, day: date) -> str:
    """The folder or prefix of a day.

    Args:
        place: Folder or s3:// prefix of all days.
        day: The day, by the sites' local time.
    """
    return join(place, f"{_PARTITION}{day}")


def document_uri(place: str, day: date) -> str:
    """Where a day's document is, or will be."""
    return join(day_place(place, day), DOCUMENT)


def days_of(place: str) -> list[date]:
    """Days that have a folder, in order; that of a run which was killed may have no document.

    Raises:
        StorageError: The place cannot be listed; a folder that is not there yet has no days.
    """
    if is_local(place) and not local_path(place).is_dir():
        return []
    return sorted(filter(None, map(_day, list_folders(place))))


def latest_document(place: str) -> DriftDocument | None:
    """The newest day's; None where there is none.

    Raises:
        StorageError: The place cannot be read.
        DataError: The document is none of this version.
    """
    for day in reversed(days_of(place)):
        found = read_document(place, day)
        if found is not None:
            return found
    return None


def documents(place: str, days: Iterable[date]) -> list[DriftDocument]:
    """Those of some days that there are, in the order of `days`.

    Raises:
        StorageError: The place cannot be read.
        DataError: A document is none of this version.
    """
    return [found for day in days if (found := read_document(place, day)) is not None]


def read_document(place: str, day: date) -> DriftDocument | None:
    """A day's document; None where there is none.

    Raises:
        StorageError: The place cannot be read.
        DataError: The document is none of this version.
    """
    uri = document_uri(place, day)
    try:
        content = read_bytes(uri)
    except StorageError as error:
        if is_missing(error):
            return None
        raise
    try:
        return DriftDocument.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise DataError(
            f"{uri} is no drift.json of this version: {where}: {first['msg']}; make the day anew"
        ) from error


def write_document(place: str, document: DriftDocument) -> str:
    """Write a day's document whole or not at all, last of what a day has: who finds it finds its pages, too.

    Returns:
        Its URI.

    Raises:
        StorageError: It cannot be written.
    """
    uri = document_uri(place, document.day)
    write_bytes(uri, as_json(document).encode())
    return uri


def has_document(place: str, day: date) -> bool:
    """Whether a day was finished.

    Raises:
        StorageError: The place does not answer.
    """
    return exists(document_uri(place, day))


def as_json(document: DriftDocument) -> str:
    """The same text for the same findings, but for `made_at`."""
    return json.dumps(document.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name.removeprefix(_PARTITION)) if name.startswith(_PARTITION) else None
    except ValueError:
        return None
