"""Everything that a day's verdicts are made of, read once and only where it is needed."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache, cached_property

import pyarrow as pa

from monitoring.drift.bundle_facts import check_bundle
from monitoring.drift.job import LOOKBACK_DAYS, REVIEW_DAYS, DriftJob
from monitoring.drift.log_rows import day_number, read_days, recorded_on
from monitoring.drift.outcomes import NoDataError
from monitoring.drift.pages.site import N_WEEKS
from monitoring.drift.place import documents
from silencio.drift import Confusion, sites_of
from silencio.drift.document import DriftDocument, SiteVerdict
from silencio.drift.recordings import Recordings, recordings_of
from silencio.errors import ConfigError
from silencio.prediction_log import LogReader


class DayReader:
    """Everything that a day's verdicts are made of, read once and only where it is needed.

    Args:
        job: What the run was given.
        day: By the sun at the sites.
        log: Reads the log, here and for the run's other days.
    """

    def __init__(self, job: DriftJob, day: date, log: LogReader) -> None:
        self._job, self._day, self._log = job, day, log
        self.recordings = cache(self._recordings)

    @cached_property
    def rows(self) -> pa.Table:
        """Rows that hold the day."""
        return read_days(self._log, self._day, self._day, self._job.late_days)

    @cached_property
    def history(self) -> tuple[DriftDocument, ...]:
        """Documents of the weeks before the day."""
        days = [self._day - timedelta(days=ago) for ago in range(7 * N_WEEKS, 0, -1)]
        return tuple(documents(self._job.place, days))

    @cached_property
    def rows_before(self) -> pa.Table:
        """Rows of the weeks before the day, of which a reference is made."""
        first, last = self._day - timedelta(days=LOOKBACK_DAYS), self._day - timedelta(days=1)
        # Without those of the day: a release would be the newest version, of which there is no reference.
        return recorded_on(read_days(self._log, first, last, self._job.late_days), first, last)

    @cached_property
    def reviewed_rows(self) -> pa.Table:
        """Rows whose detections are held against their reviews."""
        first = self._day - timedelta(days=REVIEW_DAYS - 1)
        return recorded_on(read_days(self._log, first, self._day, self._job.late_days), first, self._day)

    @cached_property
    def confusion(self) -> Confusion | None:
        """The bundle's, of validation windows."""
        if self._job.bundle is None:
            return None
        check_bundle(self._job.bundle, self.rows)
        return self._job.bundle.confusion()

    def _recordings(self, site_id: str) -> Recordings:
        """Recordings of a site's day, those with a wrong clock and unreadable ones included."""
        found = recordings_of(self.rows, site_id, self._job.policy.day_parts)
        return found.of(found.day == day_number(self._day))

    def sites(self) -> list[str]:
        """Sites of the day and of the weeks before it: one that sends nothing is still there.

        Raises:
            NoDataError: Nothing was recorded on the day.
            ConfigError: A site that is wanted is not among them.
        """
        recorded, n_wrong = [], 0
        for site_id in sites_of(self.rows):
            found = self.recordings(site_id)
            n_right = int((~found.clock_fault).sum())
            n_wrong += len(found) - n_right
            if n_right or (found.failed_day == day_number(self._day)).any():
                recorded.append(site_id)
        if not recorded:
            raise NoDataError(self._no_data(n_wrong))
        # A site that was compared before is there when it sends nothing; a name that was mistyped once is none.
        watched = {one.site_id for document in self.history for one in document.sites if _is_watched(one)}
        known = {*recorded, *watched}
        if unknown := sorted(set(self._job.sites) - known):
            raise ConfigError(f"the log has no site {unknown[0]!r}; it has {', '.join(sorted(known))}")
        return sorted(self._job.sites or known)

    def _no_data(self, n_wrong_clock: int) -> str:
        where = f"{self._job.log} has no recording of {self._day}"
        if n_wrong_clock:
            return (
                f"{where} with a clock that can be right: all {n_wrong_clock:,} claim to be of before 2005 or of the "
                "future; set the recorders' clocks"
            )
        return f"{where}: check --log and --day, and whether anything is sent; nothing was written"


def _is_watched(site: SiteVerdict) -> bool:
    return site.n_recordings > 0 and site.outcome != "no_reference"
