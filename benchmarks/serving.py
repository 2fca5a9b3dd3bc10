"""The two servers under load: what a request costs beside the model, how they answer many clients, what they keep."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np
import psutil

from benchmarks.bundles import identity, measured_bundle
from benchmarks.recordings import song, write_ogg
from benchmarks.result import Result
from serving.local import LocalServers, local_servers
from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.features import FeatureSpec, FrontEnd

ROUTE = "/v1/models/silencio:predict"
_DOLLARS_A_CORE_HOUR = 0.04
_CLIP_S = 5.0
_RATE_HZ = 32_000


@dataclass
class Load:
    """What clients saw.

    Attributes:
        latencies_s: Latencies of each answered request.
        statuses: How often each came; 0 is a broken connection.
        wall_s: Wall time of all requests together.
    """

    latencies_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wall_s: float = 0.0

    def percentile_ms(self, percent: float) -> float:
        return 1e3 * float(np.percentile(self.latencies_s, percent)) if self.latencies_s else float("nan")

    @property
    def n_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status not in (200, 503))

    def details(self) -> dict[str, object]:
        return {
            "p50_ms": self.percentile_ms(50),
            "p95_ms": self.percentile_ms(95),
            "p99_ms": self.percentile_ms(99),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "wall_s": self.wall_s,
            "requests_per_s": sum(self.statuses.values()) / self.wall_s if self.wall_s else 0.0,
        }


def press(
    url: str, body: bytes, n_clients: int, *, duration_s: float = 1e9, n_requests: int = 1 << 60, query: str = ""
) -> Load:
    """Clients that ask again as soon as they are answered; one that is told to wait, waits.

    Args:
        url: Address of the transformer.
        body: An OGG recording.
        n_clients: Number of clients at once, a thread and a connection each.
        duration_s: Length of the sound.
        n_requests: How many in all.
        query: Query of the request.
    """
    load, lock, begun_s = Load(), threading.Lock(), time.perf_counter()
    left = iter(range(n_requests))

    def client() -> None:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        while time.perf_counter() - begun_s < duration_s:
            with lock:
                if next(left, None) is None:
                    break
            sent_s = time.perf_counter()
            try:
                connection.request("POST", ROUTE + query, body, {"Content-Type": "audio/ogg"})
                answer = connection.getresponse()
                answer.read()
                status, retry_s = answer.status, float(answer.headers.get("Retry-After") or 0)
            except (OSError, http.client.HTTPException):
                status, retry_s = 0, 0.1
                connection.close()
            with lock:
                load.statuses[status] += 1
                if status == 200:
                    load.latencies_s.append(time.perf_counter() - sent_s)
            if status != 200:
                time.sleep(retry_s)

    with ThreadPoolExecutor(n_clients) as threads:
        for one in [threads.submit(client) for _ in range(n_clients)]:
            one.result()
    load.wall_s = time.perf_counter() - begun_s
    return load


def _about(bundle: Path) -> str:
    manifest = Bundle(bundle).manifest
    return f"{len(manifest.classes)} classes, {manifest.precision}"


def beside_the_model(servers: LocalServers, clip: bytes, n_requests: int) -> Result:
    """A request to a bundle whose graph costs nothing: decode, features, the hop, JSON."""
    press(servers.url, clip, 1, n_requests=20)
    load = press(servers.url, clip, 1, n_requests=n_requests)
    front_end = FrontEnd(FeatureSpec())
    alone_ms = _median_ms(lambda: front_end(clip), 50)
    return Result(
        what="a 5 s OGG beside the model, one client, p50",
        value=load.percentile_ms(50),
        unit="ms",
        target=12.0,
        at_least=False,
        ours=f"p95 {load.percentile_ms(95):.1f} ms",
        reference=f"decode and features alone {alone_ms:.1f} ms",
        details=load.details() | {"decode_and_features_alone_p50_ms": alone_ms},
    )


def memory(servers: LocalServers, clip: bytes, n_requests: int) -> Result:
    """Memory of all processes after the first thousand requests and after very many."""
    press(servers.url, clip, 4, n_requests=min(1_000, n_requests))
    before = _memory_mib(servers)
    load = press(servers.url, clip, 4, n_requests=n_requests)
    after = _memory_mib(servers)
    return Result(
        what=f"memory after {n_requests:,} requests against before",
        value=after / before,
        unit="times",
        target=1.05,
        at_least=False,
        ours=f"{after:.0f} MiB",
        reference=f"{before:.0f} MiB before",
        details=load.details() | {"before_mib": before, "after_mib": after},
    )


def _memory_mib(servers: LocalServers) -> float:
    """Unshared memory: the decoders share most of theirs with the process that they were forked from."""
    roots = [psutil.Process(one.process.pid) for one in servers.both]
    processes = roots + [child for root in roots for child in root.children(recursive=True)]
    return sum(one.memory_full_info().uss for one in processes) / (1 << 20)


def many_clients(servers: LocalServers, clip: bytes, n_clients: int, duration_s: float, about: str) -> Result:
    """Eight clients that never pause, and thirty-two."""
    load = press(servers.url, clip, n_clients, duration_s=duration_s)
    audio_s_per_s = _CLIP_S * load.statuses[200] / load.wall_s
    hours = 1_000.0 / audio_s_per_s
    details = load.details() | {
        "bundle": about,
        "audio_seconds_per_s": audio_s_per_s,
        "dollars_per_1000_hours": hours * (os.cpu_count() or 1) * _DOLLARS_A_CORE_HOUR,
        "dollars_a_core_hour": _DOLLARS_A_CORE_HOUR,
    }
    if n_clients > 8:
        return Result(
            what=f"{n_clients} clients: answers that are neither 200 nor 503",
            value=load.n_errors,
            unit="errors",
            target=0,
            at_least=False,
            ours=f"p95 {load.percentile_ms(95):.0f} ms, {load.statuses[503]} times 503",
            reference=f"{audio_s_per_s:.0f} times real time",
            details=details,
        )
    p95_ms = load.percentile_ms(95) if load.statuses.keys() == {200} else float("inf")
    return Result(
        what=f"{n_clients} clients for {load.wall_s:.0f} s without an error, p95",
        value=p95_ms,
        unit="ms",
        target=300.0,
        at_least=False,
        ours=f"p50 {load.percentile_ms(50):.0f} ms, {audio_s_per_s:.0f} times real time",
        reference=f"${details['dollars_per_1000_hours']:.2f} for 1,000 hours",
        details=details,
    )


def beside_a_long_upload(servers: LocalServers, clip: bytes, upload: bytes, duration_s: float, about: str) -> Result:
    """One client's 5 s requests while another uploads ten minutes again and again."""
    alone = press(servers.url, clip, 1, duration_s=duration_s)
    with _uploading(servers.url, upload) as uploads:
        time.sleep(min(1.0, duration_s))
        beside = press(servers.url, clip, 1, duration_s=duration_s)
    added_ms = beside.percentile_ms(95) - alone.percentile_ms(95)
    return Result(
        what="what ten-minute uploads add to a 5 s request's p95",
        value=added_ms,
        unit="ms",
        target=50.0,
        at_least=False,
        ours=f"p95 {beside.percentile_ms(95):.0f} ms",
        reference=f"alone {alone.percentile_ms(95):.0f} ms",
        details={"alone": alone.details(), "beside": beside.details(), "uploads": len(uploads), "bundle": about},
    )


@contextmanager
def _uploading(url: str, upload: bytes) -> Iterator[Sequence[float]]:
    done: list[float] = []
    enough = threading.Event()

    def again() -> None:
        while not enough.is_set():
            done.append(press(url, upload, 1, n_requests=1).wall_s)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield done
    finally:
        enough.set()
        thread.join()


def _model_ms(bundle: Path, clip: bytes) -> float:
    scorer = Scorer(Bundle(bundle), n_threads=1)
    features = scorer.front_end(clip).inputs
    return _median_ms(lambda: scorer.graph.run(features), 30)


def _median_ms(function: Callable[[], object], n_calls: int) -> float:
    times_s = []
    for _ in range(n_calls):
        begun_s = time.perf_counter()
        function()
        times_s.append(time.perf_counter() - begun_s)
    return 1e3 * float(np.median(times_s))


def _ogg(folder: Path, duration_s: float) -> bytes:
    path = folder / "recording.ogg"
    write_ogg(path, song(duration_s, _RATE_HZ, seed=0), _RATE_HZ)
    return path.read_bytes()


def run(quick: bool) -> list[Result]:
    """All of it."""
    seconds = 2.0 if quick else 60.0
    with TemporaryDirectory(prefix="silencio-bench-") as folder:
        clip = _ogg(Path(folder), _CLIP_S)
        upload = _ogg(Path(folder), 30.0 if quick else 595.0)
        empty = write_placeholder_bundle(Path(folder) / "empty")
        with local_servers(empty) as servers:
            of_empty = [beside_the_model(servers, clip, 20 if quick else 500)]
            of_empty.append(memory(servers, clip, 100 if quick else 20_000))
        bundle = measured_bundle(Path(folder))
        about = f"{_about(bundle)}, {_model_ms(bundle, clip):.1f} ms a window alone"
        with local_servers(bundle) as servers:
            press(servers.url, clip, 2, n_requests=20)
            of_bundle = [beside_a_long_upload(servers, clip, upload, seconds, about)]
            of_bundle.append(many_clients(servers, clip, 8, 2.0 if quick else 300.0, about))
            of_bundle.append(many_clients(servers, clip, 32, seconds, about))
        measured = ((empty, of_empty), (bundle, of_bundle))
        return [replace(result, bundle=identity(path)) for path, results in measured for result in results]
