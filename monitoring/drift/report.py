"""A day's pages, of what is kept of it: by the run itself, and later by `silencio drift report`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from monitoring.drift.day import SiteDay, changed_devices
from monitoring.drift.evidently_pages import page_names
from monitoring.drift.pages.facts import PageFacts, SiteFacts, WindowPair
from monitoring.drift.pages.site import N_WEEKS
from monitoring.drift.pages.write import write_pages
from monitoring.drift.place import INPUTS, day_place, documents, read_document
from monitoring.drift.references import WINDOWS, parquet_bytes, read_table
from monitoring.drift.sounds import WindowSound
from monitoring.drift.typical_windows import window_pairs
from silencio.drift.document import DriftDocument, SiteVerdict
from silencio.errors import DataError, StorageError
from silencio.features import FeatureSpec
from silencio.storage import is_missing, join, list_objects, name_of, read_bytes, write_bytes

NO_FOLDER = "There are no spectrograms: the log keeps no sound, and no folder of recordings was given (--recordings)."
NOT_FOUND = "There are no spectrograms: none of the typical windows' recordings is in the folder that was given."


def keep_windows(place: str, day: date, sites: Mapping[str, SiteDay]) -> None:
    """Keep typical windows of a day beside its document, so that pages can be made anew without the log.

    Raises:
        StorageError: They cannot be written.
    """
    for name, site in sites.items():
        write_bytes(_windows_uri(place, day, name), parquet_bytes(site.windows))


def make_pages(
    place: str,
    history: Sequence[DriftDocument],
    inputs: Mapping[str, Any],
    sound: WindowSound | None,
    spec: FeatureSpec,
) -> list[str]:
    """Write the pages of the last day of `history`.

    Args:
        place: Folder or s3:// prefix of all days.
        history: Documents by day.
        inputs: What inputs.json holds.
        sound: Of windows whose recording is at hand; None without.
        spec: How spectrograms are computed.

    Returns:
        Their URIs, that of all sites first.

    Raises:
        StorageError: The place cannot be read or written.
        DataError: A kept table is none.
    """
    document = history[-1]
    names = {name_of(one.uri) for one in list_objects(day_place(place, document.day))} if document.sites else set()
    sites = {
        site.site_id: _site_facts(place, document.day, site, inputs["sites"].get(site.site_id, {}), sound, names)
        for site in document.sites
    }
    return write_pages(place, PageFacts(history=history, sites=sites, spec=spec))


def remake_pages(place: str, day: date, sound: WindowSound | None, spec: FeatureSpec) -> list[str]:
    """Write a day's pages anew, of what is kept of it.

    Args:
        place: Folder or s3:// prefix of all days.
        day: A day with a document.
        sound: Of windows whose recording is at hand; None without.
        spec: How spectrograms are computed.

    Raises:
        StorageError: The place cannot be read or written.
        DataError: The day has no document, or something that is kept of it is broken.
    """
    document = read_document(place, day)
    if document is None:
        raise DataError(f"{place} has no verdicts of {day}: make them by silencio drift run --day {day}")
    before = documents(place, [day - timedelta(days=ago) for ago in range(7 * N_WEEKS, 0, -1)])
    return make_pages(place, (*before, document), _read_inputs(place, day), sound, spec)


def site_stem(site_id: str) -> str:
    """A site as a part of a file name."""
    return quote(site_id, safe="")


def _site_facts(
    place: str,
    day: date,
    site: SiteVerdict,
    inputs: Mapping[str, Any],
    sound: WindowSound | None,
    names: set[str],
) -> SiteFacts:
    reference = inputs.get("reference")
    pairs, why = _pairs(place, day, site, reference, sound)
    return SiteFacts(
        windows=pairs,
        references=() if reference is None else (reference["words"],),
        notes=tuple(inputs.get("notes", ())),
        why_no_sound=why,
        evidently=tuple(name for name in page_names(site_stem(site.site_id)) if name in names),
    )


def _pairs(
    place: str,
    day: date,
    site: SiteVerdict,
    reference: Mapping[str, str] | None,
    sound: WindowSound | None,
) -> tuple[list[WindowPair], str]:
    if sound is None:
        return [], NO_FOLDER
    after = read_table(_windows_uri(place, day, site.site_id))
    before = None if reference is None else read_table(f"{reference['uri'].removesuffix('.json')}.{WINDOWS}.parquet")
    tables = [table for table in (before, after) if table is not None]
    if not tables:
        return [], NOT_FOUND
    nothing: pa.Table = tables[0].slice(0, 0)
    names = [name for table in tables for name in table["device_id"].unique().to_pylist()]
    devices = changed_devices(site, names)
    before, after = (nothing if table is None else table for table in (before, after))
    pairs = window_pairs(before, after, devices, sound)
    has_sound = any(window.waveform is not None for pair in pairs for window in (*pair.before, *pair.after))
    return pairs, "" if has_sound else NOT_FOUND


def _windows_uri(place: str, day: date, site_id: str) -> str:
    return join(day_place(place, day), f"{WINDOWS}-{site_stem(site_id)}.parquet")


def _read_inputs(place: str, day: date) -> dict[str, Any]:
    uri = join(day_place(place, day), INPUTS)
    try:
        found: dict[str, Any] = json.loads(read_bytes(uri))
    except StorageError as error:
        if is_missing(error):
            return {"sites": {}}
        raise
    except ValueError as error:
        raise DataError(f"{uri} is no JSON: {error}; make the day anew") from error
    return found
