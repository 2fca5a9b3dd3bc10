"""One release of the proof from `silencio serve` to its page, and what is kept of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.releases import challengers, log_mel_clients, registered
from benchmarks.releases.disturbances import Run
from benchmarks.releases.machine import Machine, serving_machine
from benchmarks.releases.scenarios import Scenario
from benchmarks.releases.sped_up import write_policy
from benchmarks.releases.visitors import Visitors
from silencio.release.record import ReleaseRecord

# Between two requests, while they decide nothing.
_PAUSE_S = 0.25
_POLL_S = 0.5
_N_VISITORS, _N_AT_A_RATE = 2, 8


def carry_out(scenario: Scenario, files: Path) -> dict[str, Any]:
    """Carry the release out.

    Args:
        scenario: Which one.
        files: Folder of bundles, recordings and machines; what is in it is used again.

    Returns:
        Plain values: how it ended, and what visitors met.
    """
    folder = files / "machines" / scenario.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _alone(files):
        champion, challenger = (challengers.make(name, files) for name in (scenario.champion, scenario.challenger))
    machine = Machine(folder, champion, challenger)
    if scenario.has_log_mel_clients:
        machine.options, machine.variables = ["--prediction-log", str(folder / "log")], log_mel_clients.VARIABLES
    if scenario.needs_mlflow:
        machine.variables = registered.register(folder, (champion, challenger))
    began_s = time.monotonic()
    with serving_machine(machine):
        if scenario.has_log_mel_clients:
            log_mel_clients.send(machine.state().champion.url, champion, folder / "log")
        with _alone(files):
            log = str(folder / "log") if scenario.has_log_mel_clients else ""
            compared = challengers.comparison(files, scenario.champion, scenario.challenger, log)
        machine.begin(
            "--challenger", challenger, "--policy", write_policy(folder / "policy.yaml"), "--replay", compared
        )
        run = _go_on(scenario, machine)
        machine.release("report", "--out", folder / "page")
        took_s = time.monotonic() - began_s
        if scenario.needs_mlflow:
            run.facts["aliases"] = registered.aliases(machine.variables, (champion, challenger))
    found = json.loads(json.dumps(_facts(scenario, run, took_s)).replace(str(files), "files"))
    for passing in ("prometheus", "tmp"):
        shutil.rmtree(folder / passing, ignore_errors=True)
    return found


def _go_on(scenario: Scenario, machine: Machine) -> Run:
    at_a_rate = scenario.rate_per_s > 0
    visitors = Visitors(
        machine.state().url,
        requests_per_session=scenario.requests_per_session,
        loud_every=scenario.loud_every,
        n_visitors=_N_AT_A_RATE if at_a_rate else _N_VISITORS,
        rate_per_s=scenario.rate_per_s,
    )
    run = Run(machine, visitors, machine.start_auto())
    with visitors.coming() if scenario.has_visitors else contextlib.nullcontext(), _paced(run):
        try:
            if scenario.disturbance is not None:
                scenario.disturbance(run)
            run.auto.wait()
        finally:
            if run.auto.poll() is None:
                run.auto.kill()
                run.auto.wait()
        if scenario.has_visitors:
            visitors.ask_regulars()
    return run


@contextlib.contextmanager
def _paced(run: Run) -> Iterator[None]:
    """Visitors come now and then while they decide nothing: before the first step, and in the bake."""
    is_over = threading.Event()
    thread = threading.Thread(target=_pace, args=(run, is_over))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _pace(run: Run, is_over: threading.Event) -> None:
    began_s, began = 0.0, 0
    while not is_over.wait(_POLL_S):
        rises = run.machine.record().state == "step"
        run.visitors.pause_s = 0.0 if rises else _PAUSE_S * run.visitors.n_visitors
        if rises and not began_s:
            began_s, began = time.monotonic(), run.visitors.n_requests
        elif began_s and rises:
            rate_per_s = (run.visitors.n_requests - began) / (time.monotonic() - began_s)
            run.facts["requests_per_s_while_the_share_rose"] = round(rate_per_s, 1)


def _facts(scenario: Scenario, run: Run, took_s: float) -> dict[str, Any]:
    record = run.machine.record()
    of_visitors = [one for one in record.intervals if not one["simulated"]]
    failed = run.visitors.failures(scenario.failing, loud_only=scenario.loud_every > 0)
    is_as_wanted = (
        (record.state, record.rule) == (scenario.ends, scenario.rule)
        and scenario.reason in record.why
        and failed["of_others"] == 0
    )
    shares = [event.share_percent for event in record.history]
    return {
        "what": scenario.what,
        "is_as_wanted": is_as_wanted,
        "wanted": {"state": scenario.ends, "rule": scenario.rule, "reason": scenario.reason},
        "state": record.state,
        "rule": record.rule,
        "why": record.why,
        "last_share_percent": max(shares, default=0.0) if record.state == "promoted" else _last_share(record),
        "challenger_units": sum(one["challenger"]["units"] for one in of_visitors),
        "champion_units": sum(one["champion"]["units"] for one in of_visitors),
        "by_step": [
            {
                "share_percent": round(100 * one["share"], 2),
                "took_s": round(one["ended_s"] - one["began_s"], 1),
                **{arm: one[arm] for arm in ("champion", "challenger")},
            }
            for one in record.intervals
        ],
        "history": [
            {"state": event.state, "share_percent": event.share_percent, "by": event.by, "why": event.why}
            for event in record.history
        ],
        "verdicts": list(record.verdicts),
        "visitors": {
            "n_requests": run.visitors.n_requests,
            "failed": failed,
            "statuses": [
                {"arm": arm, "is_loud": is_loud, "status": status, "n": n}
                for (arm, is_loud, status), n in sorted(run.visitors.statuses.items())
            ],
            "sessions_that_came_again": run.visitors.sessions(),
        },
        "facts": run.facts,
        "took_s": round(took_s),
    }


def _last_share(record: ReleaseRecord) -> float:
    """The challenger's last share before the end."""
    shares = [event.share_percent for event in record.history]
    return next((share for share in reversed(shares) if share > 0), 0.0)


@contextlib.contextmanager
def _alone(files: Path) -> Iterator[None]:
    """One at a time makes what several use."""
    files.mkdir(parents=True, exist_ok=True)
    with (files / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
