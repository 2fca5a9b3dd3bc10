"""The scenario of a simulation: what its users have, and the clock by which it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from serving.server.recorder_ids import RecorderIds
from serving.simulate.recordings import Recording
from serving.simulate.simulated_client import Outcome, SimulatedClient


@dataclass
class Scenario:
    """One simulation.

    Attributes:
        url: The transformer's address.
        recordings: Recordings that may be sent.
        duration_s: How long it goes on.
        seed: Seed of the users' choices.
        n_clients: Users at once.
        speed: How much faster than in life a stream goes and a user hesitates.
        api_key: The users' key; empty where none is needed.
        key_in_clear: It may go to another machine without TLS.
        cacert: PEM of whoever signed the server's certificate; None: as the environment says, else public authorities.
        recorder: Site and recorder that the users name in headers.
        outcomes: What came of all requests so far, of all users.
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
    recorder: RecorderIds = field(default_factory=RecorderIds)
    outcomes: list[Outcome] = field(default_factory=list)
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

    def record(self, outcome: Outcome) -> Outcome:
        """Keep a request's outcome for the report."""
        self.outcomes.append(outcome)  # a list's append is whole, whatever thread it comes from
        return outcome

    def play(self, user: Callable[[Scenario, SimulatedClient, np.random.Generator], None]) -> None:
        """Let `n_clients` users act until the end, each with a connection and random numbers of its own."""

        def act(number: int) -> None:
            with SimulatedClient(
                self.url,
                self.api_key,
                key_in_clear=self.key_in_clear,
                cacert=self.cacert,
                headers=self.recorder.headers(),
            ) as client:
                user(self, client, np.random.default_rng((self.seed, number)))

        with ThreadPoolExecutor(self.n_clients) as users:
            try:
                for one in [users.submit(act, number) for number in range(self.n_clients)]:
                    one.result()
            finally:
                self.stop()

    def draw(self, rng: np.random.Generator) -> Recording:
        """Draw any recording."""
        return self.recordings[int(rng.integers(len(self.recordings)))]
