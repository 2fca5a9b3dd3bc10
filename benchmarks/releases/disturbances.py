"""What happens to a release while it goes on: servers, judge, Prometheus and visitors are taken away for real."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.releases.machine import Machine, until
from benchmarks.releases.visitors import Visitors
from serving.canary.prometheus_config import CONFIG, UNITS_JOB


@dataclass
class Run:
    """A release that goes on.

    Attributes:
        machine: Where.
        visitors: Who comes.
        auto: The process of `silencio release auto`.
        facts: What a disturbance found, for the result.
    """

    machine: Machine
    visitors: Visitors
    auto: subprocess.Popen[bytes]
    facts: dict[str, Any] = field(default_factory=dict)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait; the judge has to be at work all the while."""
        until(condition, what, gives_up=lambda: self.auto.poll() is not None)

    def until_share(self, percent: float, n_units: int = 0) -> None:
        """Until the challenger has this share, and so many sessions were counted in its step."""

        def is_there() -> bool:
            record = self.machine.record()
            last = record.intervals[-1] if record.intervals else {"step": -1, "challenger": {"units": 0}}
            counted = last["challenger"]["units"] if last["step"] == record.step else 0
            return record.share_percent == percent and counted >= n_units

        self.until(is_there, f"{percent:g} % with {n_units} sessions")


Disturbance = Callable[[Run], None]
# Where a judge is killed; at 10 % the next share that is set is 25 %, and what is promoted is promoted once.
_PLACES = (
    "set_share:1:before",
    "set_share:1:after",
    "promote:1:before",
    "move_champion:1:before",
    "move_champion:1:after",
)


def challenger_out_of_memory(run: Run) -> None:
    """The kernel kills the challenger's predictor at 25 %."""
    run.until_share(25.0, n_units=5)
    pid = run.machine.state().challenger.predictor_pid
    before = run.machine.record()
    os.kill(pid or 0, signal.SIGKILL)
    run.auto.wait()
    record = run.machine.record()
    # Of the last look: the intention, its confirmation, and each of what was outstanding with it.
    n_others = 2 + len(("retire", "note"))
    run.facts |= {
        "share_when_killed": before.share_percent,
        "looks_until_0_percent": record.version - before.version - n_others,
    }


def no_more_visitors_at_25_percent(run: Run) -> None:
    """They stay away."""
    run.until_share(25.0, n_units=5)
    run.visitors.stay_away()


def prometheus_killed(run: Run) -> None:
    """It is gone, as for want of memory."""
    run.until_share(5.0, n_units=5)
    os.kill(run.machine.state().prometheus_pid or 0, signal.SIGKILL)
    _frozen(run)


def prometheus_reads_no_numbers(run: Run) -> None:
    """What HAProxy counts comes as NaN from now on."""
    run.until_share(5.0, n_units=5)
    text = httpx.get(f"{run.machine.state().haproxy_metrics_url}/units", trust_env=False).text
    lines = [
        line if line.startswith("#") or not line else f"{line.rsplit(' ', 1)[0]} NaN" for line in text.splitlines()
    ]
    with _served("\n".join(lines) + "\n") as address:
        labels = {"instance": urlsplit(run.machine.state().haproxy_metrics_url).netloc}
        _configure_prometheus(run, lambda job: job | {"static_configs": [{"targets": [address], "labels": labels}]})
        _frozen(run)


def prometheus_reads_no_more(run: Run) -> None:
    """It answers, and what it answers is as old as its last scrape."""
    run.until_share(5.0, n_units=5)
    _configure_prometheus(run, lambda job: job | {"scrape_interval": "1h"})
    _frozen(run)


def restarted(run: Run) -> None:
    """The first 5xx that there ever was, then the whole machine starts again: its counters begin at 0."""
    run.until_share(5.0, n_units=5)
    answers: list[tuple[str, int]] = []
    while not answers or answers[-1][0] != "challenger":
        answers.append(run.visitors.ask(uuid.uuid4().hex, is_loud=True))
    run.facts["status_of_the_first_failure"] = answers[-1][1]
    run.until(lambda: _failed(run) > 0, "the failure is counted")
    run.facts["failed_units_before_the_restart"] = _failed(run)
    run.visitors.stay_away()
    run.auto.kill()
    run.auto.wait()
    before = _units(run)
    run.machine.stop()
    run.machine.start()
    run.facts["share_after_the_restart"] = run.machine.record().share_percent
    run.visitors.come_again()
    run.auto = run.machine.start_auto()
    run.until(lambda: _units(run) >= before + 20, "counting goes on")
    counts = [interval[arm] for interval in run.machine.record().intervals for arm in ("champion", "challenger")]
    run.facts |= {
        "failed_units_after_the_restart": _failed(run),
        "smallest_count": min(value for one in counts for value in one.values()),
    }
    run.machine.release("rollback", "--reason", "seen enough")


def auto_killed(run: Run) -> None:
    """Killed at 25 % between intention, patch and record, and around the alias; another one cannot act meanwhile."""
    run.until_share(10.0)
    run.auto.kill()
    run.auto.wait()
    killed_at = {}
    for place in _PLACES:
        run.auto = run.machine.start_auto("benchmarks.releases.killed_auto", place)
        if place == _PLACES[0]:
            run.until(lambda: run.machine.holder_pid() == run.auto.pid, "it has the lease")
            second = run.machine.release("auto", "--once")
            run.facts["second_auto"] = {
                "status": second.returncode,
                "is_refused_by_the_lease": "another judge is at work" in second.stderr,
            }
        run.auto.wait()
        record = run.machine.record()
        killed_at[place] = {
            "by_signal": -run.auto.returncode,
            "state": record.state,
            "share_percent": record.share_percent,
            "intention_percent": record.intention.share_percent if record.intention else None,
            "outstanding": list(record.outstanding),
        }
    run.facts["killed_at"] = killed_at
    run.auto = run.machine.start_auto()


def _failed(run: Run) -> int:
    return sum(interval["challenger"]["failed_units"] for interval in run.machine.record().intervals)


def _units(run: Run) -> int:
    return sum(interval["challenger"]["units"] for interval in run.machine.record().intervals)


def _frozen(run: Run) -> None:
    """What a release does that sees nothing: wait where it is, then go back."""
    run.until(lambda: run.machine.record().blind_since is not None, "it cannot read counts")
    run.facts["share_while_blind"] = run.machine.record().share_percent
    run.auto.wait()
    lines = (run.machine.folder / "judge.log").read_text(encoding="utf-8").splitlines()
    # Without the time and without addresses, which are others in each run.
    message = next(line.partition("no counts: ")[2] for line in lines if "no counts: " in line)
    run.facts["message"] = re.sub(r"http://\S+|\d+\.\d+\.\d+\.\d+:\d+", "ADDRESS", message)


def _configure_prometheus(run: Run, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change how the units are scraped, by Prometheus's own reload."""
    path = run.machine.folder / CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    jobs = config["scrape_configs"]
    config["scrape_configs"] = [change(job) if job["job_name"] == UNITS_JOB else job for job in jobs]
    path.write_text(json.dumps(config), encoding="utf-8")
    os.kill(run.machine.state().prometheus_pid or 0, signal.SIGHUP)


@contextmanager
def _served(text: str) -> Iterator[str]:
    """HOST:PORT of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
