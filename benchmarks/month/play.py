"""The month, day by day: rows, verdicts, what fires, and whether a page has an empty panel."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.month.days import write_day
from benchmarks.month.served import Served
from benchmarks.month.stack import SCRAPE_S, Stack
from benchmarks.month.story import Story, day_of
from benchmarks.month.waiting import until
from monitoring.pages.prometheus import now
from monitoring.pages.write import Request, write_pages
from monitoring.steps.drift import Inputs, Outputs
from monitoring.steps.drift import run as run_drift
from serving.client import Client
from silencio.drift.document import DriftDocument
from silencio.errors import ServingError
from silencio.feedback import Judgement, table_of
from silencio.storage import write_bytes

# After the gauges of a day were scraped, so many evaluations of the rules until what fires is looked at: at this scale
# `for` is one of them, and a rule's window has four scrapes, in which the day before may still stand.
_N_EVALUATIONS = 8
# Drift is stale when its run is 26 hours old, and what a run and a scrape take is not divided by the month's scale: a
# day is twelve times as long. A run takes longer with each day in the log.
_MIN_DAY_S, _DAY_TO_RUN, _LONGER_A_DAY, _SEEN_S = 20.0, 12.0, 0.035, 1.5
# Requests of visitors, for the panels of the service: below what makes a page of a burnt budget on a busy machine.
_VISITOR_EVERY_S = 2.0


@dataclass
class DayFound:
    """What a day showed.

    Attributes:
        number: Number of the day.
        verdicts: Causes by site, those with an alert due marked by `!`.
        firing: Name and site of what fires at its end.
        empty: Empty panels by dashboard; None where Prometheus did not watch yet.
        drift_s: Seconds of the day's run of drift.
    """

    number: int
    verdicts: dict[str, list[str]]
    firing: set[tuple[str, str]] = field(default_factory=set)
    empty: dict[str, tuple[str, ...]] | None = None
    drift_s: float = 0.0


@dataclass(frozen=True)
class Places:
    """Where the month is written.

    Attributes:
        folder: Folder of everything that is written.
    """

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def drift(self) -> Path:
        return self.folder / "drift"

    @property
    def reviews(self) -> Path:
        return self.folder / "reviews.parquet"

    @property
    def pages(self) -> Path:
        return self.folder / "pages"

    def kept_pages(self, name: str) -> Path:
        """Pages of a named moment."""
        return self.folder / "moments" / name


class Month:
    """A story that is played.

    Args:
        story: The plot.
        served: Recordings that were served.
        places: Where it is written.
        bundle: The bundle that answers.
        on_progress: Told of every day.
    """

    def __init__(
        self, story: Story, served: Served, places: Places, bundle: Path, on_progress: Callable[[str], None]
    ) -> None:
        self._story, self._served, self._places, self._bundle = story, served, places, bundle
        self._on_progress = on_progress
        self._judgements: list[Judgement] = []
        self.days: list[DayFound] = []
        # Notifications until the first watched day was over: of programs that started, and of an old verdict.
        self.n_before = 0

    def play_reference(self) -> None:
        """The days before anybody watches; drift looks at the last, and makes up for the three before."""
        for number in range(self._story.n_reference_days - 1):
            self._judgements += write_day(self._story, number, self._served, self._places.log)
        self.days.append(self._day(self._story.n_reference_days - 1))
        self._on_progress(f"day {self.days[-1].number}: {self.days[-1].verdicts}")

    def day_s(self) -> float:
        """Seconds that a day needs on this machine, by the last day of the reference, for which drift made four."""
        last = 1.0 + _LONGER_A_DAY * (self._story.n_days - self._story.n_reference_days)
        return max(_MIN_DAY_S, _DAY_TO_RUN * (last * self.days[-1].drift_s / 4 + _SEEN_S))

    def play(self, stack: Stack, day_s: float) -> None:
        """The days that are watched, each of as many seconds.

        Args:
            stack: What watches.
            day_s: Seconds of a day.

        Raises:
            ServingError: A day's work takes longer than the day: the rules' time would not be the month's.
        """
        begun_s = time.monotonic()
        for place, number in enumerate(range(self._story.n_reference_days, self._story.n_days)):
            found = self._day(number)
            self._watch(found, stack, day_s)
            self.days.append(found)
            left_s = begun_s + (place + 1) * day_s - time.monotonic()
            self._on_progress(
                f"day {number}: {found.verdicts}; firing {sorted(found.firing)}; empty {found.empty}; "
                f"drift took {found.drift_s:.1f} s, {left_s:.1f} s are left of it"
            )
            if left_s < 0:
                raise ServingError(f"day {number} took {-left_s:.1f} s longer than its {day_s:g} s: give --day_s more")
            # The month's clock goes on, whatever was quick: windows and ages of the rules are in it.
            threading.Event().wait(left_s)
            if place == 0:
                self.n_before = len(stack.notifications.received)

    def _day(self, number: int) -> DayFound:
        self._judgements += write_day(self._story, number, self._served, self._places.log)
        self._write_reviews()
        begun_s = time.monotonic()
        run_drift(
            Inputs(
                predictions=str(self._places.log),
                reports=str(self._places.drift),
                day=f"{day_of(number)}",
                bundle=str(self._bundle),
                reviews=str(self._places.reviews),
            ),
            Outputs(page=self._places.folder / "verdicts.html"),
        )
        document = self._document(number)
        verdicts = {
            site.site_id: [f"{one.cause}{'!' if one.alert else ''}" for one in site.causes] or [site.outcome]
            for site in document.sites
        }
        return DayFound(number, verdicts, drift_s=time.monotonic() - begun_s)

    def _document(self, number: int) -> DriftDocument:
        path = self._places.drift / f"date={day_of(number)}" / "drift.json"
        return DriftDocument.model_validate_json(path.read_bytes())

    def _write_reviews(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = pa.BufferOutputStream()
        pq.write_table(table_of(self._judgements), sink)
        write_bytes(self._places.reviews, sink.getvalue().to_pybytes())

    def _watch(self, found: DayFound, stack: Stack, day_s: float) -> None:
        made_at_s = self._document(found.number).made_at.timestamp()
        newest = "min(silencio_drift_last_run_timestamp_seconds)"
        until(lambda: abs((stack.value(newest) or 0.0) - made_at_s) < 1.0, f"the gauges of day {found.number}")
        enough = stack.evaluations() + _N_EVALUATIONS
        until(lambda: stack.evaluations() >= enough, "evaluations of the rules")
        found.firing = stack.firing()
        request = Request(
            prometheus=stack.prometheus,
            out=self._places.pages,
            now=now(),
            hours=max(6 * day_s, 60 * SCRAPE_S) / 3600,
            drift=str(self._places.drift),
        )
        facts = write_pages(request)
        found.empty = {one.name: (*one.empty, *one.refused) for one in facts.dashboards if one.empty or one.refused}
        for one in self._story.disturbances:
            # The last day of each: its alert has fired by then.
            if found.number == one.first_day + one.n_days - 1:
                shutil.copytree(self._places.pages, self._places.kept_pages(one.condition), dirs_exist_ok=True)


@contextmanager
def visitors(url: str, contents: list[bytes]) -> Iterator[None]:
    """Requests of visitors until the block ends, so that the service has something to show.

    Args:
        url: The transformer's address.
        contents: Recordings that they send in turn.

    Raises:
        ServingError: One was not answered.
    """
    over = threading.Event()

    def come() -> None:
        with Client(url, 120.0) as client:
            for content in itertools.cycle(contents):
                if over.wait(_VISITOR_EVERY_S):
                    return
                client.predict(content, recorded_at=datetime.now(UTC), site_id="ridge", device_id="visitor")

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come)
        try:
            yield
        finally:
            over.set()
        # One who was refused ends the month: panels would be empty, and nobody would know why.
        coming.result()


def as_json(days: list[DayFound]) -> list[Mapping[str, Any]]:
    """The days as plain values."""
    return [
        {
            "day": f"{day_of(one.number)}",
            "verdicts": one.verdicts,
            "firing": sorted(one.firing),
            "empty_panels": one.empty,
            "drift_s": round(one.drift_s, 2),
        }
        for one in days
    ]


def written(path: Path, result: Mapping[str, Any]) -> None:
    """Write the result."""
    write_bytes(path, (json.dumps(result, indent=1, ensure_ascii=False) + "\n").encode())
