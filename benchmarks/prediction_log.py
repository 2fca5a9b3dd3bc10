"""What the prediction log costs: requests with it and without it, and what is measured of a window for it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil

from benchmarks.bundles import identity
from benchmarks.recordings import song, write_ogg
from benchmarks.result import Result
from benchmarks.serving import Load, press
from benchmarks.timing import compare
from serving.local import LocalServers, local_servers
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.features import FeatureSpec, LogMel, WindowStatistics
from silencio.taxonomy import ClassList, Species

_N_PAIRS = 11
_N_CLIENTS = 8
# As many as BirdCLEF-2025 has: each is a probability in every row.
_N_CLASSES = 206
# Once a turn, while the requests come that left the rows: a server writes a file a minute, or every 5,000 rows.
_SECONDS_PER_FILE = 8.0
_CLIP_S = 5.0
_RATE_HZ = 32_000


def _processor_s(servers: LocalServers) -> float:
    """Processor time of all processes so far."""
    roots = [psutil.Process(one.process.pid) for one in servers.both]
    processes = roots + [child for root in roots for child in root.children(recursive=True)]
    return float(sum(sum(one.cpu_times()[:2]) for one in processes))


def _pressed(servers: LocalServers, clip: bytes, duration_s: float) -> tuple[Load, float]:
    """What clients saw, and processor seconds an answered request."""
    before_s = _processor_s(servers)
    load = press(servers.url, clip, _N_CLIENTS, duration_s=duration_s)
    return load, (_processor_s(servers) - before_s) / max(1, load.statuses[200])


def logging(folder: Path, clip: bytes, n_pairs: int, duration_s: float) -> list[Result]:
    """Eight clients by turns at a transformer that keeps a log and at one that keeps none; both graphs cost nothing."""
    codes = (f"species{number}" for number in range(_N_CLASSES))
    classes = ClassList.of(
        Species(code=code, scientific_name=code, common_name=code, class_name="Aves") for code in codes
    )
    bundle = write_placeholder_bundle(folder / "bundle", classes=classes)
    log = ["--prediction_log", str(folder / "log"), "--prediction_log_seconds", str(_SECONDS_PER_FILE)]
    requests_per_s: list[dict[str, float]] = []
    processor_ms: list[dict[str, float]] = []
    with ExitStack() as stack:
        servers = {
            "with": stack.enter_context(local_servers(bundle, transformer_options=log)),
            "without": stack.enter_context(local_servers(bundle)),
        }
        for pair in range(n_pairs + 1):
            order = sorted(servers, reverse=bool(pair % 2))
            found = {name: _pressed(servers[name], clip, duration_s) for name in order}
            if pair:  # the first warms
                requests_per_s.append({name: load.statuses[200] / load.wall_s for name, (load, _) in found.items()})
                processor_ms.append({name: 1e3 * seconds for name, (_, seconds) in found.items()})
    throughput, processor = (
        [one["with"] / one["without"] for one in pairs] for pairs in (requests_per_s, processor_ms)
    )
    details = {"requests_per_s": requests_per_s, "processor_ms_a_request": processor_ms, "n_classes": _N_CLASSES}
    about = f"{_N_CLIENTS} clients, median of {n_pairs} interleaved pairs"
    results = [
        Result(
            what=f"requests a second with the prediction log, {about}",
            value=float(np.median(throughput)),
            unit="times",
            target=0.97,
            at_least=True,
            ours=f"{np.median([one['with'] for one in requests_per_s]):.1f}/s",
            reference=f"{np.median([one['without'] for one in requests_per_s]):.1f}/s without",
            details=details | {"ratios": throughput},
        ),
        Result(
            what=f"processor time of a request with the prediction log, {about}",
            value=float(np.median(processor)),
            unit="times",
            target=1.03,
            at_least=False,
            ours=f"{np.median([one['with'] for one in processor_ms]):.2f} ms",
            reference=f"{np.median([one['without'] for one in processor_ms]):.2f} ms without",
            details={"ratios": processor},
        ),
    ]
    return [replace(result, bundle=identity(bundle)) for result in results]


def statistics(n_turns: int) -> Result:
    """All statistics of twelve windows, whose log-mel is there, and that log-mel."""
    spec = FeatureSpec()
    windows = song(12 * spec.window_s, spec.sample_rate_hz, seed=0).reshape(12, spec.window_samples)
    log_mel, measure = LogMel(spec), WindowStatistics(spec)
    features = log_mel(windows)
    times = compare(lambda: measure(windows, features), lambda: log_mel(windows), n_turns)
    spectrum = compare(lambda: measure.of_log_mel(features), lambda: measure(windows), n_turns)
    a_window = {
        "statistics_us": 1e6 * min(times.ours_s) / 12,
        "of_these_spectrum_and_bands_us": 1e6 * min(spectrum.ours_s) / 12,
        "without_a_log_mel_us": 1e6 * min(spectrum.reference_s) / 12,
        "log_mel_us": 1e6 * min(times.reference_s) / 12,
    }
    return Result(
        what="statistics of a window against its log-mel, processor time",
        value=1.0 / times.ratio,
        unit="times",
        target=0.2,
        at_least=False,
        ours=f"{a_window['statistics_us']:.0f} µs, {a_window['of_these_spectrum_and_bands_us']:.0f} of the spectrum",
        reference=f"{a_window['log_mel_us']:.0f} µs",
        details=a_window | times.details(),
    )


def run(quick: bool) -> list[Result]:
    """All of it."""
    with TemporaryDirectory(prefix="silencio-bench-") as name:
        folder = Path(name)
        write_ogg(folder / "clip.ogg", song(_CLIP_S, _RATE_HZ, seed=0), _RATE_HZ)
        clip = (folder / "clip.ogg").read_bytes()
        pairs = logging(folder, clip, 1 if quick else _N_PAIRS, 0.5 if quick else 12.0)
    return [*pairs, statistics(2 if quick else 30)]
