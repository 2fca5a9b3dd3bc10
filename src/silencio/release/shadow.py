"""Pairs from shadow traffic: what both bundles answered to the same request, from the prediction log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from silencio.bundle.manifest import BundleManifest
from silencio.errors import DataError
from silencio.prediction_log.probabilities import probability_matrix
from silencio.prediction_log.reader import answered
from silencio.release.answers import BundleAnswers, RecordingAnswer, SharedAnswers, is_whole
from silencio.release.comparison import added, pairs_of
from silencio.release.evidence import Pairs

# What `shadow_answers` reads of a prediction log.
SHADOW_COLUMNS = (
    "request_id",
    "recording",
    "status",
    "bundle_version",
    "release_id",
    "shadow",
    "start_s",
    "end_s",
    "detected_codes",
    "probabilities",
)


# Rows that wait for the other bundle's answer to a recording, about half a kilobyte each. The oldest are dropped: to a
# request that was not copied none is to come.
_MAX_WAITING_ROWS = 100_000


@dataclass(frozen=True, kw_only=True)
class ShadowAnswers:
    """Recordings of visitors that both bundles answered.

    Attributes:
        champion: What clients were answered.
        challenger: What the challenger would have answered.
        n_unpaired: Recordings of which the log has a shadow and no answer to a client, or of another bundle.
    """

    champion: BundleAnswers
    challenger: BundleAnswers
    n_unpaired: int


def shadow_answers(
    table: pa.Table, champion: BundleManifest, challenger: BundleManifest, *, release_id: str | None = None
) -> ShadowAnswers:
    """Find the requests that both answered: the same request id and recording, once for a client and once as a shadow.

    A row that is there twice (a log's file that was written again) counts once. Only what the champion answered to
    clients is held against the challenger's shadows: not what other bundles answered before, nor the challenger's own
    share of visitors.

    Args:
        table: Rows from `silencio.prediction_log.read_log`, with `SHADOW_COLUMNS`.
        champion: Manifest of what serves.
        challenger: Manifest of what is offered; in a release of a bundle against itself the same.
        release_id: Only shadows of this release, or that name none; None: of any. A row need not name one: servers may
            have been started before, and no proxy of ours stands before those of a cluster.

    Raises:
        DataError: A row has no probabilities of every class of its bundle.
    """
    ours, theirs = _by_bundle(table, champion, challenger, release_id)
    known, shadowed = set(_keys(ours)), set(_keys(theirs))
    both = known & shadowed
    return ShadowAnswers(
        champion=_answers(ours, champion, both),
        challenger=_answers(theirs, challenger, both),
        n_unpaired=len(shadowed - both),
    )


def shadow_pairs(
    table: pa.Table, champion: BundleManifest, challenger: BundleManifest, *, release_id: str | None = None
) -> Pairs:
    """What the rules on pairs look at, of a stretch of the prediction log; arguments as for `shadow_answers`.

    Raises:
        DataError: As `shadow_answers`.
        ReleaseError: The bundles have no class in common.
    """
    found = shadow_answers(table, champion, challenger, release_id=release_id)
    return pairs_of(SharedAnswers.of(found.champion, found.challenger))


class ShadowPairs:
    """Pairs of a release as its log grows: what was paired is kept as numbers, and its rows are forgotten.

    Args:
        champion: Manifest of what serves.
        challenger: Manifest of what is offered.
        release_id: The release whose shadows they are.
        max_waiting_rows: Rows that wait for the other bundle's.

    Attributes:
        pairs: All so far.

    Raises:
        ReleaseError: The bundles have no class in common.
    """

    def __init__(
        self,
        champion: BundleManifest,
        challenger: BundleManifest,
        release_id: str,
        *,
        max_waiting_rows: int = _MAX_WAITING_ROWS,
    ) -> None:
        self._champion, self._challenger, self._release_id = champion, challenger, release_id
        self._max_waiting_rows = max_waiting_rows
        self._waiting: pa.Table | None = None
        self._paired: set[str] = set()
        nothing = (BundleAnswers(codes=one.classes.codes, recordings={}) for one in (champion, challenger))
        self.pairs: Pairs = pairs_of(SharedAnswers.of(*nothing))

    def add(self, table: pa.Table) -> None:
        """Pair further rows of the log, in the order in which they were written.

        Args:
            table: Rows with `SHADOW_COLUMNS`.

        Raises:
            DataError: A row has no probabilities of every class of its bundle.
        """
        waiting = pa.concat_tables(_by_bundle(table, self._champion, self._challenger, self._release_id))
        if self._waiting is not None:
            waiting = pa.concat_tables([self._waiting, waiting])
        found = shadow_answers(waiting, self._champion, self._challenger, release_id=self._release_id)
        shared = SharedAnswers.of(found.champion, found.challenger)
        same_spec = self._champion.spec_sha256 == self._challenger.spec_sha256
        whole = [name for name in shared.recordings if is_whole(*shared.pair(name), same_spec=same_spec)]
        self.pairs = added(self.pairs, pairs_of(shared.of_recordings([n for n in whole if n not in self._paired])))
        self._paired.update(whole)
        open_rows = waiting.filter(pa.array([key not in self._paired for key in _keys(waiting)], pa.bool_()))
        self._waiting = open_rows.slice(max(0, len(open_rows) - self._max_waiting_rows)).combine_chunks()


def _by_bundle(
    table: pa.Table, champion: BundleManifest, challenger: BundleManifest, release_id: str | None
) -> tuple[pa.Table, pa.Table]:
    """Rows of what the champion answered to clients, and of the challenger's shadows."""
    table = answered(table)
    shadow = np.array([one is True for one in table["shadow"].to_pylist()], bool)
    version = np.array(table["bundle_version"].to_pylist(), object)
    of_release = np.array(
        [release_id is None or one in (None, release_id) for one in table["release_id"].to_pylist()], bool
    )
    ours = ~shadow & (version == champion.version)
    theirs = shadow & of_release & (version == challenger.version)
    return table.filter(pa.array(ours)), table.filter(pa.array(theirs))


def _keys(table: pa.Table) -> list[str]:
    requests, recordings = table["request_id"].to_pylist(), table["recording"].to_pylist()
    return [f"{request}-{recording or 0}" for request, recording in zip(requests, recordings, strict=True)]


def _answers(table: pa.Table, manifest: BundleManifest, wanted: set[str]) -> BundleAnswers:
    keys = _keys(table)
    chosen = np.array([key in wanted for key in keys], bool)
    table, keys = table.filter(pa.array(chosen)), [key for key in keys if key in wanted]
    codes, column = manifest.classes.codes, manifest.classes.index
    probabilities = probability_matrix(table, bundle_version=manifest.version, n_classes=len(codes))
    starts, ends = table["start_s"].to_pylist(), table["end_s"].to_pylist()
    rows: dict[str, dict[float, int]] = defaultdict(dict)
    for row, (key, start_s) in enumerate(zip(keys, starts, strict=True)):
        rows[key].setdefault(start_s, row)
    detected = np.zeros(probabilities.shape, bool)
    for row, named in enumerate(table["detected_codes"].to_pylist()):
        for code in named or ():
            if code not in column:
                raise DataError(
                    f"the log names {code!r}, which is no class of bundle {manifest.version}: is it its log?"
                )
            detected[row, column[code]] = True
    found = {}
    for key in sorted(rows):
        ordered = [rows[key][start_s] for start_s in sorted(rows[key])]
        found[key] = RecordingAnswer(
            starts_s=np.array([starts[row] for row in ordered], np.float64),
            window_s=float(ends[ordered[0]] - starts[ordered[0]]),
            probabilities=probabilities[ordered],
            detected=detected[ordered],
        )
    return BundleAnswers(codes=codes, recordings=found)
