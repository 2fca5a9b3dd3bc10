"""Frozen references in a place: written once, named by their own sha256, never replaced in silence.

A site has one a bundle version: what a model finds is compared within its version alone. After a repair somebody says
from which day on a new one is collected; the old ones stay.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from silencio.drift import FieldReference
from silencio.errors import ConfigError, DataError, StorageError
from silencio.storage import (
    exists,
    is_local,
    is_missing,
    join,
    list_objects,
    local_path,
    name_of,
    read_bytes,
    write_bytes,
)
from silencio.storage.parquet import read_parquet

FOLDER = "references"
# Tables that are kept beside a reference and a day, for pages.
RECORDINGS, WINDOWS = "recordings", "windows"
_RENEWED, _SUFFIX, _SHA_DIGITS = "from=", ".json", 16


@dataclass(frozen=True)
class KeptReference:
    """A reference with where it is kept.

    Attributes:
        uri: URI of its file; its tables lie beside it.
        reference: What is compared with.
    """

    uri: str
    reference: FieldReference

    @property
    def words(self) -> str:
        """One sentence for the page: which days, which bundle, which devices, which content."""
        one = self.reference
        return (
            f"Reference of bundle {one.bundle_version}: {min(one.days)} to {max(one.days)} ({len(one.days)} days), "
            f"{', '.join(one.devices)}; sha256 {one.sha256[:12]}."
        )


def kept_references(place: str, site_id: str, day: date) -> list[KeptReference]:
    """References of a site that hold on a day, by their first day.

    Args:
        place: Folder or s3:// prefix of all days.
        site_id: The site.
        day: Those of later days, and those before a renewal, are left out.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file is not what was frozen.
    """
    since = renewed_from(place, site_id, day)
    read = [_read(uri) for uri in _files(place, site_id) if not name_of(uri).startswith(_RENEWED)]
    found = [
        one for one in read if max(one.reference.days) < day and (since is None or min(one.reference.days) >= since)
    ]
    # One that was extended has the same first day, and stands behind the one that it was made of.
    return sorted(found, key=lambda one: (min(one.reference.days), len(one.reference.devices), one.uri))


def freeze(place: str, reference: FieldReference, tables: dict[str, pa.Table]) -> KeptReference:
    """Keep a reference with its tables; the reference itself is written last, so that it is never without them.

    Args:
        place: Folder or s3:// prefix of all days.
        reference: What is compared with.
        tables: By name, for pages.

    Raises:
        StorageError: They cannot be written.
    """
    uri = join(_folder(place, reference.site_id), _file_name(reference))
    if not exists(uri):
        for name, table in tables.items():
            write_bytes(_table_uri(uri, name), parquet_bytes(table))
        write_bytes(uri, reference.to_json().encode())
    return KeptReference(uri, reference)


def reference_table(kept: KeptReference, name: str) -> pa.Table | None:
    """One of the tables that were kept with a reference; None where it was removed.

    Raises:
        StorageError: The place cannot be read.
        DataError: It is no Parquet.
    """
    return read_table(_table_uri(kept.uri, name))


def read_table(uri: str) -> pa.Table | None:
    """A Parquet file; None where there is none.

    Raises:
        StorageError: The place cannot be read.
        DataError: It is no Parquet.
    """
    try:
        return read_parquet(read_bytes(uri))
    except StorageError as error:
        if is_missing(error):
            return None
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{uri} is no Parquet, or half of one: {error}") from error


def parquet_bytes(table: pa.Table) -> bytes:
    """The bytes of a Parquet file, the same for the same table."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def renewed_from(place: str, site_id: str, day: date) -> date | None:
    """The day from which on the site's reference is collected anew, as it stands on a day; None: from the beginning.

    Raises:
        StorageError: The place cannot be listed.
    """
    marks = (name_of(uri).removesuffix(_SUFFIX) for uri in _files(place, site_id))
    days = (date.fromisoformat(mark.removeprefix(_RENEWED)) for mark in marks if mark.startswith(_RENEWED))
    return max((one for one in days if one <= day), default=None)


def renew(place: str, site_id: str, since: date, because: str, made_at: datetime) -> str:
    """Collect a site's reference anew from a day on; what was frozen before stays and no longer counts from then on.

    Args:
        place: Folder or s3:// prefix of all days.
        site_id: The site.
        since: First day of the new reference.
        because: Reason, for those who read it later.
        made_at: When this was decided.

    Returns:
        URI of the mark.

    Raises:
        ConfigError: The site has no reference, so that there is nothing to renew, or was renewed from that day before.
        StorageError: The place cannot be written.
    """
    if not any(not name_of(uri).startswith(_RENEWED) for uri in _files(place, site_id)):
        raise ConfigError(f"{place} has no reference of site {site_id!r}: there is nothing to begin anew; check --site")
    uri = join(_folder(place, site_id), f"{_RENEWED}{since}{_SUFFIX}")
    if exists(uri):
        raise ConfigError(f"{site_id}'s reference begins anew on {since} already: {uri}")
    facts = {"from": f"{since}", "because": because, "made_at": made_at.isoformat()}
    write_bytes(uri, (json.dumps(facts, ensure_ascii=False) + "\n").encode())
    return uri


def _read(uri: str) -> KeptReference:
    text = read_bytes(uri).decode("utf-8", "replace")
    try:
        reference = FieldReference.from_json(text)
    except DataError as error:
        raise DataError(f"{uri}: {error}") from error
    if _file_name(reference) != name_of(uri):
        raise DataError(
            f"{uri} is not the reference that was frozen under this name, but {_file_name(reference)}: bring the file "
            "back, or remove it and begin anew by silencio drift renew"
        )
    return KeptReference(uri, reference)


def _file_name(reference: FieldReference) -> str:
    return f"{min(reference.days)}-{quote(reference.bundle_version, safe='')}-{reference.sha256[:_SHA_DIGITS]}{_SUFFIX}"


def _table_uri(uri: str, name: str) -> str:
    return f"{uri.removesuffix(_SUFFIX)}.{name}.parquet"


def _folder(place: str, site_id: str) -> str:
    return join(place, FOLDER, f"site={quote(site_id, safe='')}")


def _files(place: str, site_id: str) -> list[str]:
    folder = _folder(place, site_id)
    if is_local(folder) and not local_path(folder).is_dir():
        return []
    return [
        one.uri for one in list_objects(folder) if one.uri.endswith(_SUFFIX) and not name_of(one.uri).startswith(".")
    ]
