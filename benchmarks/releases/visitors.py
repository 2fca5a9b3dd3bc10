"""Visitors who come all the while, as many as the machine answers, and what each of them got."""

from __future__ import annotations

import http.client
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from benchmarks.releases.sounds import sound
from serving.canary.haproxy_config import ARM_HEADER
from serving.canary.interfaces import ArmName

ROUTE = "/v1/models/silencio:predict"
_N_SOUNDS = 20
# Sessions that come again and again, each of one visitor: whoever left the challenger would be seen.
_N_REGULARS = 24
# A session in so many is one of them.
_REGULAR_EVERY = 8
_TIMEOUT_S = 300.0


@dataclass
class Visitors:
    """What visitors do and get.

    Attributes:
        url: Where they go.
        requests_per_session: Requests of each session but those that come again.
        loud_every: One request in so many is at full scale; 0: none. A fault of a bundle may be there.
        n_visitors: At once.
        rate_per_s: Requests a second that they try to keep to; 0: one after the other, as fast as they are answered.
        pause_s: Between two requests of a visitor.
        statuses: Answers by arm, whether the request was loud, and status; 0 is an answer that never came.
        arms: The arms that answered each session that comes again, in their order.
    """

    url: str
    requests_per_session: int = 3
    loud_every: int = 0
    n_visitors: int = 2
    rate_per_s: float = 0.0
    pause_s: float = 0.25
    statuses: Counter[tuple[str, bool, int]] = field(default_factory=Counter)
    arms: dict[str, list[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _may_come: threading.Event = field(default_factory=threading.Event)
    _sounds: dict[bool, list[bytes]] = field(default_factory=dict)

    @contextmanager
    def coming(self) -> Iterator[None]:
        """They come until the block ends."""
        self._sounds = {is_loud: [sound(n, is_loud=is_loud) for n in range(_N_SOUNDS)] for is_loud in (False, True)}
        self._may_come.set()
        threads = [threading.Thread(target=self._come, args=(number,)) for number in range(self.n_visitors)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._may_come.set()
            for thread in threads:
                thread.join()

    def stay_away(self) -> None:
        """Nobody comes from now on."""
        self._may_come.clear()

    def come_again(self) -> None:
        self._may_come.set()

    def ask_regulars(self) -> None:
        """One request of each session that came again and again."""
        for session in list(self.arms):
            self.ask(session)

    def ask(self, session: str, *, is_loud: bool = False, number: int = 0) -> tuple[str, int]:
        """One request of a session: the arm that answered, and the status."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        body = self._sounds[is_loud][number % _N_SOUNDS]
        arm, status = "", 0
        try:
            connection.request("POST", ROUTE, body, {"Content-Type": "audio/flac", "X-Session-ID": session})
            answer = connection.getresponse()
            arm, status = answer.headers.get(ARM_HEADER) or "", answer.status
            answer.read()
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        with self._lock:
            self.statuses[arm, is_loud, status] += 1
            if session in self.arms:
                self.arms[session].append(arm)
        return arm, status

    def _come(self, visitor: int) -> None:
        own = [f"regular-{visitor}-{number}-{uuid.uuid4().hex[:6]}" for number in range(_N_REGULARS // self.n_visitors)]
        with self._lock:
            self.arms |= {session: [] for session in own}
        number, turn = visitor, 0
        while not self._is_over.is_set():
            turn += 1
            is_regular = turn % _REGULAR_EVERY == 0
            session = own[turn // _REGULAR_EVERY % len(own)] if is_regular else uuid.uuid4().hex
            for _ in range(1 if is_regular else self.requests_per_session):
                number += self.n_visitors
                self._may_come.wait()
                if self._is_over.is_set():
                    return
                began_s = time.monotonic()
                is_loud = self.loud_every > 0 and number // self.n_visitors % self.loud_every == 0
                self.ask(session, is_loud=is_loud, number=number)
                pause_s = self.pause_s
                if self.rate_per_s and not pause_s:
                    pause_s = self.n_visitors / self.rate_per_s - (time.monotonic() - began_s)
                if pause_s > 0:
                    self._is_over.wait(pause_s)

    @property
    def n_requests(self) -> int:
        with self._lock:
            return self.statuses.total()

    def failures(self, arms: Sequence[ArmName], *, loud_only: bool) -> dict[str, int]:
        """Failed requests: those that these arms themselves failed, and all others.

        Args:
            arms: Arms whose failures are the bundle's own.
            loud_only: Only requests at full scale are failed by the bundle.
        """
        failed = {key: n for key, n in self.statuses.items() if key[2] != 200}
        own = sum(n for (arm, is_loud, _), n in failed.items() if arm in arms and (is_loud or not loud_only))
        return {"of_the_bundle": own, "of_others": sum(failed.values()) - own}

    def sessions(self) -> dict[str, Any]:
        """Of those that came again: how many met the challenger, left it, and came back to it after that."""
        seen = [[arm for arm in arms if arm] for arms in self.arms.values()]
        met = [arms for arms in seen if "challenger" in arms]
        after = [arms[arms.index("challenger") :] for arms in met]
        left = [arms for arms in after if "champion" in arms]
        returned = [arms for arms in left if "challenger" in arms[arms.index("champion") :]]
        return {
            "n_sessions": len(seen),
            "met_the_challenger": len(met),
            "left_it": len(left),
            "came_back_to_it": len(returned),
            "with_it_at_the_end": sum(bool(arms) and arms[-1] == "challenger" for arms in seen),
        }
