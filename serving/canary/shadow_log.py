"""What both bundles answered to the same visitors' requests, read on at each look from the arms' prediction logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from serving.canary.clock import seconds_of
from silencio.bundle.manifest import BundleManifest
from silencio.errors import SilencioError
from silencio.prediction_log import LogFollower
from silencio.release.class_change import USAGE_COLUMNS, USAGE_DAYS, LogUsage, log_usage
from silencio.release.evidence import Pairs
from silencio.release.record import ReleaseRecord
from silencio.release.shadow import SHADOW_COLUMNS, ShadowPairs


def _ignore(message: str) -> None:
    pass


@dataclass
class _Reading:
    """What has been read of one release.

    Attributes:
        of: The release's id, and the places that it was read from.
        followers: What reads each place on.
        pairs: Pairs so far; None: nothing was read yet.
        usage: What clients used before the release; None: not looked up yet.
    """

    of: tuple[str, ...]
    followers: Sequence[LogFollower]
    pairs: ShadowPairs | None = None
    usage: LogUsage | None = None


class ShadowLog:
    """Pairs of a release's shadow traffic, and what its clients use.

    A log that cannot be read takes no look away from the other rules: what was read before stands, and the next look
    tries again.

    Args:
        places: Folders or S3 prefixes of both arms' prediction logs, one where they share it; empty: there is none.
        on_message: Called with what could not be read.
    """

    def __init__(self, places: Callable[[], Sequence[str]], on_message: Callable[[str], None] = _ignore) -> None:
        self._places, self._on_message = places, on_message
        self._reading: _Reading | None = None

    @property
    def is_kept(self) -> bool:
        """Whether there is a log at all."""
        return bool(self._places())

    def pairs(self, record: ReleaseRecord, manifests: tuple[BundleManifest, BundleManifest]) -> Pairs | None:
        """All pairs since the release began; None where there are none.

        Args:
            record: The release.
            manifests: The champion's and the challenger's.
        """
        reading = self._of(record)
        try:
            reading.pairs = reading.pairs or ShadowPairs(*manifests, record.release_id)
            for follower in reading.followers:
                reading.pairs.add(follower.new_rows())
        except SilencioError as error:
            self._on_message(f"shadow traffic cannot be read from the prediction log: {error}")
        found = None if reading.pairs is None else reading.pairs.pairs
        return found if found is not None and len(found.disagreement) else None

    def usage(self, record: ReleaseRecord) -> LogUsage | None:
        """What clients used in the 30 days before the release; None where the log cannot be read. Looked up once.

        Args:
            record: The release.
        """
        reading = self._of(record)
        since = _moment(record.began_at) - timedelta(days=USAGE_DAYS)
        try:
            if reading.usage is None:
                tables = [LogFollower(place, since, USAGE_COLUMNS).new_rows() for place in reading.of[1:]]
                reading.usage = log_usage(pa.concat_tables(tables))
        except SilencioError as error:
            self._on_message(f"what clients use cannot be read from the prediction log: {error}")
        return reading.usage

    def _of(self, record: ReleaseRecord) -> _Reading:
        of = (record.release_id, *self._places())
        if self._reading is None or self._reading.of != of:
            followers = [LogFollower(place, _moment(record.began_at), SHADOW_COLUMNS) for place in of[1:]]
            self._reading = _Reading(of, followers)
        return self._reading


def _moment(at: str) -> datetime:
    return datetime.fromtimestamp(seconds_of(at), UTC)
