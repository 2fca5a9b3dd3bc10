"""A run: a day's verdicts, pages and actions, in the order in which a kill leaves nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from monitoring.drift.actions import DriftAction, due_actions, keep_actions
from monitoring.drift.day import Day, inputs_json, look_at_day
from monitoring.drift.evidently_pages import has_evidently, write_evidently
from monitoring.drift.job import DriftJob
from monitoring.drift.log_rows import COLUMNS
from monitoring.drift.outcomes import ALERT, NO_ALERT, NO_REFERENCE, NOT_DELIVERED, NoDataError
from monitoring.drift.place import INPUTS, day_place, document_uri, has_document, write_document
from monitoring.drift.references import RECORDINGS, reference_table
from monitoring.drift.report import keep_windows, make_pages, site_stem
from monitoring.drift.sounds import WindowSound
from monitoring.drift.webhook import Delivery, deliver
from silencio.drift.document import DriftDocument
from silencio.features import FeatureSpec
from silencio.prediction_log import LogReader
from silencio.storage import join, write_bytes

# The rule of three days of four needs the three before.
CATCH_UP_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class DriftRun:
    """What a run did.

    Attributes:
        document: Verdicts of the day.
        page: URI of the page of all sites.
        new_actions: Actions that were not there before.
        delivery: What became of the actions; None without a webhook.
        made_before: Days before it that were made up for.
    """

    document: DriftDocument
    page: str
    new_actions: tuple[DriftAction, ...]
    delivery: Delivery | None
    made_before: tuple[date, ...]

    @property
    def n_changed(self) -> int:
        """Sites that changed."""
        return sum(site.outcome == "changed" for site in self.document.sites)

    @property
    def n_alerts(self) -> int:
        """Causes of which an alert is due."""
        return sum(cause.alert for site in self.document.sites for cause in site.causes)

    @property
    def status(self) -> int:
        """Exit status of the command."""
        if self.delivery is not None and self.delivery.n_waiting:
            return NOT_DELIVERED
        if self.n_alerts:
            return ALERT
        if all(site.outcome == "no_reference" for site in self.document.sites):
            return NO_REFERENCE
        return NO_ALERT


def run_day(
    job: DriftJob,
    day: date,
    made_at: datetime,
    catch_up: int = CATCH_UP_DAYS,
    on_note: Callable[[str], None] = lambda _: None,
) -> DriftRun:
    """Make a day: first the days before it that were missed, then its verdicts, pages and actions.

    Args:
        job: What the run is given.
        day: By the sun at the sites.
        made_at: Time that stands in the documents.
        catch_up: Days before the day that are made where they have no document and the log has recordings of them.
        on_note: Called with a sentence where something was left out.

    Raises:
        NoDataError: Nothing was recorded on the day.
        DataError: Something that was given is not what it should be.
        StorageError: A place cannot be read or written; days that were finished before stay.
        ConfigError: An option cannot be used.
    """
    log = LogReader(job.log, COLUMNS)
    made_before = []
    for ago in range(catch_up, 0, -1):
        before = day - timedelta(days=ago)
        if has_document(job.place, before):
            continue
        try:
            _make(job, before, made_at, log, on_note)
        except NoDataError:
            continue
        made_before.append(before)
    try:
        document, page, actions = _make(job, day, made_at, log, on_note)
    except NoDataError:
        # Of days that were made up for, and of a receiver that was away: what is due waits for no recording.
        if job.webhook is not None:
            deliver(job.place, job.webhook)
        raise
    delivery = None if job.webhook is None else deliver(job.place, job.webhook)
    return DriftRun(
        document=document, page=page, new_actions=tuple(actions), delivery=delivery, made_before=tuple(made_before)
    )


def _make(
    job: DriftJob, day: date, made_at: datetime, log: LogReader, on_note: Callable[[str], None]
) -> tuple[DriftDocument, str, list[DriftAction]]:
    found = look_at_day(job, day, made_at, log)
    folder = day_place(job.place, day)
    keep_windows(job.place, day, found.sites)
    write_bytes(join(folder, INPUTS), inputs_json(found.inputs))
    _evidently(job, found, folder, on_note)
    spec = FeatureSpec(last_window="moved_back") if job.bundle is None else job.bundle.manifest.spec
    sound = None if job.recordings is None else WindowSound(job.recordings, spec, job.explainer)
    pages = make_pages(job.place, found.history, found.inputs, sound, spec)
    uri = document_uri(job.place, day)
    actions = keep_actions(job.place, due_actions(found.document, uri, job.actions, made_at))
    # Last: whoever finds it, as the exporter of gauges does, finds all the others; and a day that has one is not made
    # again, so that an action which was not kept by then would be lost.
    write_document(job.place, found.document)
    for site, one in found.sites.items():
        for note in one.notes:
            on_note(f"{site}, {day}: {note}")
    return found.document, pages[0], actions


def _evidently(job: DriftJob, found: Day, folder: str, on_note: Callable[[str], None]) -> None:
    if not job.evidently:
        return
    if not has_evidently():
        on_note("Evidently's pages are not made: it is not installed (extra monitor)")
        return
    for name, site in found.sites.items():
        reference = None if site.reference is None else reference_table(site.reference, RECORDINGS)
        if reference is not None and len(site.recordings):
            write_evidently(folder, site_stem(name), site.recordings, reference)
