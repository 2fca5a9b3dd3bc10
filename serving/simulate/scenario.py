"""What a simulation is given, and the clock by which it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from serving.simulate.recordings import Recording
from serving.simulate.simulated_client import Asker, Exchange


@dataclass
class Scene:
    """One simulation.

    Attributes:
        url: Of the transformer.
        recordings: What may be sent.
        duration_s: How long it goes on.
        seed: Another seed, other choices.
        n_clients: Users at once.
        speed: How much faster than in life a stream goes and a user hesitates.
        api_key: Of the users; empty where none is needed.
        key_in_clear: It may go to another machine without TLS.
        cacert: PEM of whoever signed the server's certificate; None: as the environment says, else public authorities.
        exchanges: All requests so far, of all users.
    """

    url: str
    recordings: Sequence[Recording]
    duration_s: float = 30.0
    seed: int = 0
    n_clients: int = 4
    speed: float = 1.0
    api_key: str = ""
    key_in_clear: bool = False
    cacert: Path | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _begun_s: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        return self._stopped.is_set() or time.monotonic() - self._begun_s >= self.duration_s

    def stop(self) -> None:
        """End it early."""
        self._stopped.set()

    def wait(self, seconds: float) -> None:
        """Hesitate, but not beyond the end; seconds of life, `speed` times as short here."""
        left_s = self.duration_s - (time.monotonic() - self._begun_s)
        self._stopped.wait(max(0.0, min(seconds / self.speed, left_s)))

    def note(self, exchange: Exchange) -> Exchange:
        """Keep a request's end for the report."""
        self.exchanges.append(exchange)  # a list's append is whole, whatever thread it comes from
        return exchange

    def play(self, user: Callable[[Scene, Asker, np.random.Generator], None]) -> None:
        """Let `n_clients` users act until the end, each with a connection and random numbers of its own."""

        def act(number: int) -> None:
            with Asker(self.url, self.api_key, key_in_clear=self.key_in_clear, cacert=self.cacert) as asker:
                user(self, asker, np.random.default_rng((self.seed, number)))

        with ThreadPoolExecutor(self.n_clients) as users:
            try:
                for one in [users.submit(act, number) for number in range(self.n_clients)]:
                    one.result()
            finally:
                self.stop()

    def draw(self, rng: np.random.Generator) -> Recording:
        """Any recording."""
        return self.recordings[int(rng.integers(len(self.recordings)))]
