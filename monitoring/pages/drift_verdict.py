"""The newest `drift.json` of a place, for the first page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from silencio.drift.document import CauseFound, DriftDocument, SiteVerdict
from silencio.errors import DataError, StorageError
from silencio.reports.document import Column, prose, table
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.wording import NOTHING, count, percent
from silencio.storage import is_local, list_folders, read_bytes
from silencio.storage import join as join_uri

_PARTITION, _FILE, _PAGE = "date=", "drift.json", "index.html"
_OUTCOMES = {
    "no_change": "no change",
    "changed": "changed",
    "not_enough": "too few recordings",
    "no_reference": "no reference yet",
}
_DOES = {
    "none": "nothing",
    "look": "look at its page",
    "review": "have detections reviewed",
    "retrain": "retrain",
    "inspect_device": "inspect the recorder",
    "roll_back": "roll the release back",
}


@dataclass(frozen=True)
class NewestDrift:
    """The newest document.

    Attributes:
        document: The document.
        folder: Its folder or prefix.
    """

    document: DriftDocument
    folder: str


def newest_drift(place: str, at: datetime) -> NewestDrift | None:
    """The newest day of a place that is not later than a moment; None where no day was looked at yet.

    Args:
        place: Folder or S3 prefix of `silencio drift run`.
        at: With a time zone.

    Raises:
        StorageError: The place cannot be read.
        DataError: The document is not what this version writes.
    """
    days = [one for one in list_folders(place) if one.startswith(_PARTITION)]
    # A site's local day may be one ahead of UTC's.
    last = f"{_PARTITION}{at.date() + timedelta(days=1)}"
    days = [one for one in days if one <= last]
    for day in sorted(days, reverse=True):
        folder = join_uri(place, day)
        try:
            content = read_bytes(join_uri(folder, _FILE))
        except StorageError:
            if day == min(days):
                raise
            continue
        try:
            return NewestDrift(DriftDocument.model_validate_json(content), folder)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(map(str, fault["loc"]))
            raise DataError(
                f"{join_uri(folder, _FILE)} is no drift.json of this version: {name}: {fault['msg']}"
            ) from error
    return None


def drift_table(newest: NewestDrift, page_folder: Path) -> Markup:
    """What each site's day showed, the changed ones first.

    Args:
        newest: The document.
        page_folder: Folder of the page, from which a local drift page is linked.
    """
    document = newest.document
    made = f"{document.made_at:%Y-%m-%d %H:%M} {document.made_at.tzname() or ''}".strip()
    where: Child = tag("code", newest.folder)
    if is_local(newest.folder):
        target = Path(newest.folder).resolve() / _PAGE
        where = tag("a", "its page", href=os.path.relpath(target, page_folder.resolve()))
    intro = prose(
        f"The day {document.day}, looked at {made}, bundle {document.bundle_name} {document.bundle_version}. More: ",
        where,
        ".",
    )
    heads = ("site", "outcome", "cause", "how sure", "since", "what to do", "recordings", "expected precision", "why")
    columns = [Column(head, head in ("recordings", "expected precision")) for head in heads]
    sites = sorted(document.sites, key=lambda one: (one.outcome != "changed", one.site_id))
    rows, classes = [], []
    for site in sites:
        for cause in site.causes or (None,):
            rows.append(_row(site, cause))
            classes.append("bad" if cause is not None and cause.alert else "")
    return join(intro, table(f"Drift of {count(len(sites), 'site')}", columns, rows, classes, caption_shown=False))


def _row(site: SiteVerdict, cause: CauseFound | None) -> list[Child]:
    why = site.message if cause is None else "; ".join(cause.evidence) or site.message
    named = NOTHING if cause is None else cause.cause.replace("_", " ") + (": an alert is due" if cause.alert else "")
    return [
        site.site_id,
        _OUTCOMES[site.outcome],
        named,
        NOTHING if cause is None else cause.certainty,
        NOTHING if cause is None else str(cause.since),
        NOTHING if cause is None else _DOES[cause.action],
        f"{site.n_recordings:,}",
        percent(site.expected_precision),
        why,
    ]
