"""Simulated users on both arms before any visitor: the same recordings in alternating order, under the same rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.canary.interfaces import ARMS, ArmName
from serving.metrics.process import REQUEST_BUCKETS_S
from serving.server.protocol import SIMULATED_HEADER
from serving.simulate.recordings import Recording, encode, fitted, samples_of
from serving.simulate.simulated_client import Outcome, SimulatedClient
from serving.simulate.users import STREAM_S
from silencio.errors import DecodeError, ReleaseError
from silencio.release.evidence import ArmCounts, Interval

# Users at once: enough that requests meet in the queue, few enough that a laptop's two cores answer.
_N_USERS = 2
_REJECTED = frozenset({413, 429, 503})
# Recordings that are decoded and cut once, and sent by turns.
_MAX_CLIPS = 24


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where both arms answer, past the splitter.

    Attributes:
        champion: Address of the champion's transformer.
        challenger: Address of the challenger's transformer.
        api_key: Key that both take; empty where none is needed.
        cacert: PEM of whoever signed their certificates; None: public authorities.
    """

    champion: str
    challenger: str
    api_key: str = ""
    cacert: Path | None = None

    def client(self, arm: ArmName) -> SimulatedClient:
        """One user's connection to an arm."""
        url = self.champion if arm == "champion" else self.challenger
        # Where the servers believe it, these requests stand in no visitors' series.
        return SimulatedClient(url, self.api_key, cacert=self.cacert, headers={SIMULATED_HEADER: "1"})


def clips_of(recordings: Sequence[Recording]) -> list[bytes]:
    """Five seconds of each of some recordings, as an app sends them.

    Raises:
        ReleaseError: None of them can be decoded.
    """
    clips = []
    for recording in recordings[:_MAX_CLIPS]:
        try:
            clips.append(encode(fitted(samples_of(recording), STREAM_S)))
        except (DecodeError, OSError):
            continue  # a recording that is none: a user would not play it
    if not clips:
        raise ReleaseError("none of the recordings for simulated users can be decoded: give --recordings a folder")
    return clips


def interleaved(endpoints: Endpoints, clips: Sequence[bytes], n_requests: int) -> dict[ArmName, list[Outcome]]:
    """Send the same clips to both arms, every other time the challenger first.

    Args:
        endpoints: Where the arms answer.
        clips: What is sent, by turns.
        n_requests: Of both arms together, rounded up to whole pairs for every user.
    """

    def user(number: int) -> dict[ArmName, list[Outcome]]:
        found: dict[ArmName, list[Outcome]] = {arm: [] for arm in ARMS}
        with endpoints.client("champion") as champion, endpoints.client("challenger") as challenger:
            clients = {"champion": champion, "challenger": challenger}
            for turn, clip in zip(range(n_turns), itertools.islice(itertools.cycle(clips), number, None), strict=False):
                for arm in ARMS if (turn + number) % 2 == 0 else reversed(ARMS):
                    found[arm].append(clients[arm].send("a simulated user's", clip, duration_s=STREAM_S))
        return found

    n_turns = -(-n_requests // (2 * _N_USERS))
    with ThreadPoolExecutor(_N_USERS) as pool:
        by_user = list(pool.map(user, range(_N_USERS)))
    return {arm: [one for found in by_user for one in found[arm]] for arm in ARMS}


def has_failed(outcome: Outcome) -> bool:
    """No answer, a 5xx, or an answer of another shape than it must have."""
    return outcome.status is None or outcome.status >= 500 or bool(outcome.fault)


def slow_bound_s(outcomes: Sequence[Outcome]) -> float | None:
    """The smallest bucket's bound at or above the p95 of answered requests; None where there are too few."""
    latencies = [one.latency_s for one in outcomes if one.is_answered]
    if len(latencies) < 20:
        return None
    p95_s = float(np.quantile(latencies, 0.95))
    return next((bound_s for bound_s in REQUEST_BUCKETS_S if bound_s >= p95_s), None)


def counts_of(outcomes: Sequence[Outcome], bound_s: float | None, limit_s: float | None) -> ArmCounts:
    """Counts of one arm: each request is a unit, since no simulated user's fortune hangs on the request before."""
    failed = sum(map(has_failed, outcomes))
    rejected = sum(one.status in _REJECTED for one in outcomes)
    return ArmCounts(
        requests=len(outcomes),
        failed_requests=failed,
        rejected_requests=rejected,
        client_errors=sum(one.status is not None and 400 <= one.status < 500 for one in outcomes),
        units=len(outcomes),
        failed_units=failed,
        slow_units=sum(bound_s is not None and one.latency_s > bound_s for one in outcomes),
        beyond_limit_units=sum(limit_s is not None and one.latency_s > limit_s for one in outcomes),
        rejected_units=rejected,
    )


def simulated_interval(
    outcomes: dict[ArmName, list[Outcome]],
    *,
    began_s: float,
    ended_s: float,
    bound_s: float | None,
    limit_s: float | None,
) -> Interval:
    """What simulated users met, as evidence at 0 %."""
    return Interval(
        step=0,
        share=0.5,
        began_s=began_s,
        ended_s=ended_s,
        champion=counts_of(outcomes["champion"], bound_s, limit_s),
        challenger=counts_of(outcomes["challenger"], bound_s, limit_s),
        simulated=True,
    )
