"""What `silencio drift` finds and what it calls it, in reserves that are made up (`benchmarks.drift`).

Thresholds were set on `TUNED`: other sizes, and reserves of other seeds, than those that are proved here. `cases` and
`combinations`: four days of each, in reserves of ten devices. `months`: months in which nothing happens. `year`: a year
with seasons, against the reference of its first fortnight. `cost`: a month as the adapters run it, day by day.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks.drift.cost import cost_of_months
from benchmarks.drift.trials import alerts_of_month, days_of_case, months_of_year
from benchmarks.drift.world import RIGHT, Case, Disturbance, Kind, World
from benchmarks.proofs.units import Units

# Sizes by kind that thresholds were set on, and that are held out.
TUNED: Mapping[Kind, Sequence[float]] = {
    "gain": (2.5, 5, 10),
    "band": (4, 8, 16),
    "rain": (3, 6, 12),
    "client": (0.1, 0.3, 1.0),
    "mix": (1.5, 2.5, 4),
    "decay": (0.03, 0.06, 0.12),
}
HELD_OUT: Mapping[Kind, Sequence[float]] = {
    "gain": (2, 3.5, 7, 14),
    "band": (3, 6, 12, 20),
    "rain": (2, 4, 8, 14),
    "client": (0.05, 0.2, 0.5, 0.8),
    "mix": (1.3, 2, 3, 5),
    "decay": (0.02, 0.045, 0.09, 0.15),
    "release": (0.05,),
}
# The tuning half has even seeds.
SEEDS = tuple(range(1001, 1013, 2))
N_MONTHS, N_YEARS = 50, 1
REVIEWS_A_DAY = 40
_DEVICES: Mapping[str, tuple[int, ...]] = {"gain": (2,), "band": (5,), "client": (0, 1, 7)}
COMBINED = (
    (("gain", 7), ("rain", 8)),
    (("gain", 7), ("mix", 3)),
    (("gain", 7), ("decay", 0.09)),
    (("band", 12), ("client", 0.5)),
    (("rain", 8), ("mix", 3)),
    (("rain", 8), ("decay", 0.09)),
    (("mix", 3), ("decay", 0.09)),
    (("client", 0.5), ("mix", 3)),
)
_SHORT = {
    "microphone_or_site": "microphone",
    "weather_and_noise": "weather",
    "client_or_pipeline": "client",
    "season_or_species_mix": "season",
    "model_decay": "model",
    "release": "release",
    "unexplained": "unexplained",
}
_SIZE = {
    "gain": "dB",
    "band": "dB",
    "rain": "dB",
    "client": "of recordings",
    "mix": "times",
    "decay": "",
    "release": "",
}


def cases() -> dict[str, Case]:
    """Every case by its name."""
    single = {
        f"{kind} {size:g}": Case((_disturbance(kind, size),)) for kind, sizes in HELD_OUT.items() for size in sizes
    }
    reviewed = {
        f"decay {size:g} reviewed": Case((_disturbance("decay", size),), reviews=REVIEWS_A_DAY)
        for size in HELD_OUT["decay"]
    }
    both = {
        " + ".join(f"{kind} {size:g}" for kind, size in pair): Case(tuple(_disturbance(*one) for one in pair))
        for pair in COMBINED
    }
    return {"nothing": Case(), **single, **reviewed, **both}


def right_causes(case: Case) -> set[str]:
    """Causes that a case has."""
    return {RIGHT[one.kind] for one in case.disturbances}


def prove(units: Units) -> dict[str, Any]:
    """Tables of what was found, false alarms with their bound, a year, and what a month costs."""
    work: dict[str, Callable[[], Any]] = {
        f"case-{name.replace(' ', '-').replace('.', '')}-{seed}": partial(days_of_case, case, seed)
        for name, case in cases().items()
        for seed in SEEDS
    }
    work |= {f"month-{seed}": partial(alerts_of_month, World(), 2001 + 2 * seed) for seed in range(N_MONTHS)}
    work |= {f"year-{seed}": partial(months_of_year, World(season=1.0), 3001 + 2 * seed) for seed in range(N_YEARS)}
    done = _all(units, work)
    found = {
        name: [done[f"case-{name.replace(' ', '-').replace('.', '')}-{seed}"] for seed in SEEDS] for name in cases()
    }
    months = [done[f"month-{seed}"] for seed in range(N_MONTHS)]
    result = {
        "n_reserves": len(SEEDS),
        "cases": {name: case_row(case, found[name]) for name, case in cases().items()},
        "months": false_alarms(months),
        "years": [done[f"year-{seed}"] for seed in range(N_YEARS)],
        "cost": units.do("cost", cost_of_months),
    }
    return {**result, "page": page(result)}


def case_row(case: Case, reserves: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Shares of reserves: causes of the first day, right and wrong ones, and alerts of the fourth."""
    right = right_causes(case)
    first = [set(days[0]["causes"]) for days in reserves]
    last = [set(days[-1]["alerts"]) for days in reserves]
    wanted = {RIGHT[one.kind]: set(one.devices) for one in case.disturbances if one.devices}
    devices = [
        days[0]["devices"].get(cause) == [f"device{place + 1:02d}" for place in sorted(places)]
        for days in reserves
        for cause, places in wanted.items()
        if cause in days[0]["causes"]
    ]
    n = len(reserves)
    return {
        "right": sorted(right),
        "first_day": dict(Counter(cause for causes in first for cause in sorted(causes)).most_common()),
        "first_day_all_right_share": sum(right <= causes for causes in first) / n,
        "first_day_wrong_share": sum(bool(causes - right) for causes in first) / n,
        "alert_all_right_share": sum(right <= causes for causes in last) / n,
        "alert_wrong_share": sum(bool(causes - right) for causes in last) / n,
        "right_devices_share": sum(devices) / len(devices) if devices else None,
    }


def false_alarms(months: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Alerts of months without a change, by cause, and the exact upper bound of their rate (Garwood 1936)."""
    alerts = Counter(cause for month in months for _, cause in month["alerts"])
    days = Counter[str]()
    for month in months:
        days.update(month["days"])
    return {
        "n": len(months),
        "days": dict(sorted(days.items())),
        "alerts": dict(sorted(alerts.items())),
        "alerts_per_month_at_most": upper_rate(sum(alerts.values()), len(months)),
    }


def upper_rate(count: int, n: int) -> float:
    """The one-sided 95 % bound of a Poisson rate."""
    return round(float(stats.chi2.ppf(0.95, 2 * (count + 1)) / 2 / n), 3)


def page(result: Mapping[str, Any]) -> list[str]:
    """The lines that stand in docs/monitoring.md between `<!-- drift -->` and its end."""
    head = ["what happened", "right on day 1", "wrong on day 1", "alert by day 4", "wrong alert", "called on day 1"]
    lines = [head, ["---"] * len(head)]
    n = result["n_reserves"]
    for name, row in result["cases"].items():
        causes = ", ".join(f"{_SHORT[cause]} {count}" for cause, count in row["first_day"].items()) or "nothing"
        nothing = not row["right"]
        shares = [
            "-" if nothing else f"{row['first_day_all_right_share']:.0%}",
            f"{row['first_day_wrong_share']:.0%}",
            "-" if nothing else f"{row['alert_all_right_share']:.0%}",
            f"{row['alert_wrong_share']:.0%}",
        ]
        lines.append([name, *shares, f"{causes} (of {n})"])
    return [f"| {' | '.join(line)} |" for line in lines]


def smallest(result: Mapping[str, Any], kind: str) -> float | None:
    """The smallest held-out size that was found on the first day, by its right name, in every reserve."""
    found = [
        size
        for size in sorted(HELD_OUT[kind])  # type: ignore[index]
        if result["cases"][f"{kind} {size:g}"]["first_day_all_right_share"] == 1.0
    ]
    return found[0] if found else None


def _disturbance(kind: str, size: float) -> Disturbance:
    return Disturbance(kind, size, _DEVICES.get(kind, ()))  # type: ignore[arg-type]


def _all(units: Units, work: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """All units, by a process a core; a finished one is read."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as processes:
        waiting = {name: processes.submit(_unit, units.folder, name, make) for name, make in work.items()}
        return {name: one.result() for name, one in waiting.items()}


def _unit(folder: Path, name: str, make: Callable[[], Any]) -> Any:
    return Units(folder).do(name, make)
