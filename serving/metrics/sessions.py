"""Sessions as the unit of counting: of ten requests of one walk that fail together, a judge of releases counts one.

A *unit* is a session; of requests without one, their API key; of requests without either, each. Requests of one session
or device share their phone, place and network, and fail or are slow together: counted one by one, they would be taken
for as many independent events. A proxy before two arms hands on by the same unit, as far as it sees it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from serving.metrics.process import ANSWER_BUCKETS_S, expect, served_version

# More are forgotten, those first of which nothing was seen for longest; about 20 MB.
MAX_SESSIONS = 100_000
# Says nothing of a bundle, and is no part of its traffic: a look at what is taken (204), no or a wrong key, no such
# route, version or method, a body that stood still.
_NOBODYS = frozenset({204, 401, 404, 405, 408})
_CLIENT_GONE = 499
_REJECTED = frozenset({413, 429, 503})

_SESSIONS = Counter(
    "silencio_sessions", "Sessions that began, keys without one, and requests without either.", ["version"]
)
_FAILED = Counter("silencio_failed_sessions", "Of them, with a request that failed: 5xx.", ["version"])
_REJECTED_SESSIONS = Counter(
    "silencio_rejected_sessions", "Of them, with a request that was answered by 413, 429 or 503.", ["version"]
)
# No histogram, since a session's slowest request becomes slower; and so not with a histogram's label `le`.
_SLOW = Counter(
    "silencio_slow_sessions",
    "Of them, with a request that took longer than so many seconds, from its last byte to its computed answer.",
    ["version", "priority", "beyond_s"],
)


def is_nobodys(status: int, *, was_received: bool) -> bool:
    """Whether an answer says nothing of a bundle, whoever sent the request: it is neither counted nor logged.

    Args:
        status: HTTP's, over gRPC the one that would be.
        was_received: Whether the request's body was whole: of a client that left before, nothing is known.
    """
    return status in _NOBODYS or (status == _CLIENT_GONE and not was_received)


@dataclass(slots=True)
class _Unit:
    """What was counted of a session already.

    Attributes:
        has_failed: Whether a request failed.
        was_rejected: Whether a request was rejected.
        n_exceeded: By priority, how many of the bounds its slowest request exceeded.
    """

    n_exceeded: list[int]
    has_failed: bool = False
    was_rejected: bool = False


class SessionCounter:
    """Counts sessions of one server; belongs to its event loop.

    A session counts once in each stretch of `session_s`, which are the same in every server: a recorder that keeps one
    id for months would otherwise fail once, and never again, on the server that runs longest.

    Args:
        session_s: Seconds of such a stretch.
        priorities: Priorities of requests.
        max_sessions: Sessions that are told apart.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        session_s: float,
        priorities: Sequence[str],
        *,
        max_sessions: int = MAX_SESSIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session_s = session_s
        self._priorities = tuple(priorities)
        self._max_sessions = max_sessions
        self._clock = clock
        self._stretch = 0
        self._units: OrderedDict[int, _Unit] = OrderedDict()
        # What is held in memory is no list of people's ids.
        self._salt = secrets.token_bytes(16)
        expect(self._begin)

    def count(self, unit_id: str, status: int, answer_s: float | None, priority: str) -> None:
        """Count a prediction request that ended.

        Args:
            unit_id: Its session, or its key; empty where it has neither.
            status: HTTP's, over gRPC the one that would be.
            answer_s: Seconds from its last byte to its computed answer, or to where its client left; None where its
                body was not whole.
            priority: As what it was worked on.
        """
        if is_nobodys(status, was_received=answer_s is not None):
            return
        version = served_version()
        unit = self._unit(unit_id, version)
        if status >= 500 and not unit.has_failed:
            unit.has_failed = True
            _FAILED.labels(version).inc()
        if status in _REJECTED and not unit.was_rejected:
            unit.was_rejected = True
            _REJECTED_SESSIONS.labels(version).inc()
        if answer_s is None:
            return
        place = self._priorities.index(priority)
        n_exceeded = bisect_left(ANSWER_BUCKETS_S, answer_s)
        for bound_s in ANSWER_BUCKETS_S[unit.n_exceeded[place] : n_exceeded]:
            _SLOW.labels(version, priority, str(bound_s)).inc()
        unit.n_exceeded[place] = max(unit.n_exceeded[place], n_exceeded)

    def _unit(self, unit_id: str, version: str) -> _Unit:
        stretch = int(self._clock() // self._session_s)
        if stretch != self._stretch:
            self._stretch = stretch
            self._units.clear()
        if not unit_id:
            _SESSIONS.labels(version).inc()
            return self._new()
        digest = hashlib.blake2b(unit_id.encode("utf-8", "surrogatepass"), digest_size=8, key=self._salt).digest()
        key = int.from_bytes(digest)
        unit = self._units.get(key)
        if unit is not None:
            self._units.move_to_end(key)
            return unit
        _SESSIONS.labels(version).inc()
        if len(self._units) >= self._max_sessions:
            self._units.popitem(last=False)
        unit = self._units[key] = self._new()
        return unit

    def _new(self) -> _Unit:
        return _Unit([0] * len(self._priorities))

    def _begin(self, version: str) -> None:
        for family in (_SESSIONS, _FAILED, _REJECTED_SESSIONS):
            family.labels(version)
        for priority in self._priorities:
            for bound_s in ANSWER_BUCKETS_S:
                _SLOW.labels(version, priority, str(bound_s))
