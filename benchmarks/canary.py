"""Two bundles on one machine: what HAProxy adds to a request, how exact shares are, what a change of share loses."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np

from benchmarks.recordings import song, write_ogg
from benchmarks.result import Result
from serving.canary.haproxy_config import ARM_HEADER
from serving.canary.haproxy_route import HAProxyRoute
from serving.canary.one_machine import one_machine
from serving.canary.one_machine_arm import MachinePlan
from serving.canary.one_machine_state import MachineState, identity_of
from serving.canary.one_machine_tools import Programs
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import ServingError
from silencio.release.record import ReleaseRecord

_ROUTE = "/v1/models/silencio:predict"
_N_PAIRS = 7
_SHARES = (5.0, 10.0, 25.0, 50.0)
# At 50 % two points hold with 99.9 % from 6,800 sessions on: each is drawn by itself (docs/releasing.md).
_N_SESSIONS = 8_000
_RATE_PER_S = 50.0


@dataclass
class Answers:
    """What clients got.

    Attributes:
        latencies_s: Seconds of each answer, from the connection on.
        statuses: How often each came; 0 is a broken connection.
        arms: The arm that answered each session.
    """

    latencies_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    arms: dict[str, str] = field(default_factory=dict)

    def ask(self, url: str, body: bytes, session: str, kept: list[http.client.HTTPConnection]) -> None:
        """One request, by the kept connection where the server keeps it, as every HTTP client does."""
        parts = urlsplit(url)
        connection = kept.pop() if kept else http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        began_s = time.perf_counter()
        try:
            connection.request("POST", _ROUTE, body, {"Content-Type": "audio/ogg", "X-Session-ID": session})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.statuses[0] += 1
            return
        self.latencies_s.append(time.perf_counter() - began_s)
        self.statuses[answer.status] += 1
        self.arms[session] = answer.headers.get(ARM_HEADER) or ""
        kept.append(connection)


def added_latency(machine: MachineState, clip: bytes, n_requests: int) -> Result:
    """Requests of one client by HAProxy and past it, pair by pair."""
    added_ms, p50s_ms = [], []
    for pair in range(_N_PAIRS + 1):
        both = {}
        order = (machine.url, machine.champion.url)
        for url in order if pair % 2 else reversed(order):
            answers, kept = Answers(), []  # type: tuple[Answers, list[http.client.HTTPConnection]]
            for number in range(n_requests):
                answers.ask(url, clip, f"{pair}-{number}", kept)
            both[url] = 1e3 * float(np.median(answers.latencies_s))
        if pair:  # the first warms
            p50s_ms.append(both)
            added_ms.append(both[machine.url] - both[machine.champion.url])
    of_proxy, past = (float(np.median([one[url] for one in p50s_ms])) for url in (machine.url, machine.champion.url))
    return Result(
        what=f"what the splitter adds to a 5 s request's p50, median of {_N_PAIRS} interleaved pairs",
        value=float(np.median(added_ms)),
        unit="ms",
        target=1.0,
        at_least=False,
        ours=f"p50 {of_proxy:.2f} ms by HAProxy",
        reference=f"{past:.2f} ms past it",
        details={"added_ms": added_ms, "ratio": of_proxy / past, "n_requests": n_requests},
    )


def _set_share(route: HAProxyRoute, percent: float) -> None:
    route.set_share(percent, expected_generation=route.state().generation)


def _arms(machine: MachineState, sessions: Sequence[str]) -> Answers:
    """Requests that are wrong and cost nothing: which arm refuses them is what is measured."""
    answers, kept = Answers(), []  # type: tuple[Answers, list[http.client.HTTPConnection]]
    for session in sessions:
        answers.ask(machine.url, b"", session, kept)
    return answers


def shares(machine: MachineState, route: HAProxyRoute, n_sessions: int) -> list[Result]:
    """The same sessions at each share: how many the challenger gets, and whether one leaves as the share rises."""
    sessions = [f"session-{number}" for number in range(n_sessions)]
    found, n_left, before = {}, 0, set[str]()
    for percent in _SHARES:
        _set_share(route, percent)
        arms = _arms(machine, sessions).arms
        there = {session for session, arm in arms.items() if arm == "challenger"}
        found[percent] = 100.0 * len(there) / n_sessions
        n_left += len(before - there)
        before = there
    _set_share(route, 0.0)
    n_stayed = sum(arm != "champion" for arm in _arms(machine, sessions).arms.values())
    worst = max(found, key=lambda percent: abs(found[percent] - percent))
    return [
        Result(
            what=f"share of {n_sessions:,} sessions, furthest from what was set",
            value=abs(found[worst] - worst),
            unit="points",
            target=2.0,
            at_least=False,
            ours=", ".join(f"{value:.2f} %" for value in found.values()),
            reference=", ".join(f"{percent:g} %" for percent in found),
            details={"shares_percent": {f"{percent:g}": value for percent, value in found.items()}},
        ),
        Result(
            what="sessions that left the challenger while the share rose, or stayed after the rollback",
            value=n_left + n_stayed,
            unit="sessions",
            target=0,
            at_least=False,
            ours=f"{n_left} left, {n_stayed} stayed",
            reference=f"{n_sessions:,} sessions, {len(_SHARES)} steps",
        ),
    ]


def changed_under_load(machine: MachineState, route: HAProxyRoute, clip: bytes, duration_s: float) -> Result:
    """Fifty requests a second while the share changes twice a second."""
    answers, lock, enough = Answers(), threading.Lock(), threading.Event()
    began_s, numbers = time.perf_counter(), iter(range(1 << 30))

    def client() -> None:
        kept: list[http.client.HTTPConnection] = []
        while not enough.is_set():
            with lock:
                number = next(numbers)
            enough.wait(max(0.0, began_s + number / _RATE_PER_S - time.perf_counter()))
            answers.ask(machine.url, clip, f"load-{number}", kept)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    n_changes = 0
    while time.perf_counter() - began_s < duration_s:
        _set_share(route, (5.0, 25.0, 50.0, 100.0, 0.0)[n_changes % 5])
        n_changes += 1
        time.sleep(0.5)
    enough.set()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began_s
    n_requests = sum(answers.statuses.values())
    return Result(
        what=f"requests that {n_changes} changes of the share lost",
        value=n_requests - answers.statuses[200],
        unit="requests",
        target=0,
        at_least=False,
        ours=", ".join(f"{count} times {status or 'nothing'}" for status, count in sorted(answers.statuses.items())),
        reference=f"{n_requests / took_s:.0f} requests/s for {took_s:.0f} s",
        details={"statuses": {str(status): count for status, count in answers.statuses.items()}},
    )


def _left_out(error: ServingError) -> Result:
    what = "two bundles on one machine"
    return Result(what, float("nan"), "ms", 1.0, False, "not measured", str(error))


def run(quick: bool) -> list[Result]:
    """All of it; where HAProxy is not installed, one line says so."""
    try:
        programs = Programs.find()
    except ServingError as error:
        return [_left_out(error)]
    with TemporaryDirectory(prefix="silencio-bench-") as name:
        folder = Path(name)
        write_ogg(folder / "clip.ogg", song(5.0, 32_000, seed=0), 32_000)
        clip = (folder / "clip.ogg").read_bytes()
        champion, challenger = (write_placeholder_bundle(folder / one, seed=seed) for seed, one in enumerate("ab"))
        plan = MachinePlan(bundle=champion, canary=challenger, programs=programs, folder=folder / "state")
        record = ReleaseRecord(
            release_id="bench",
            champion=identity_of(champion),
            challenger=identity_of(challenger),
            policy={},
            began_at="2026-01-01T00:00:00Z",
        )
        with one_machine(plan) as running:
            route = HAProxyRoute(plan.folder)
            route.offer(record)
            machine = running.state
            return [
                added_latency(machine, clip, 10 if quick else 100),
                *shares(machine, route, 200 if quick else _N_SESSIONS),
                changed_under_load(machine, route, clip, 2.0 if quick else 20.0),
            ]
