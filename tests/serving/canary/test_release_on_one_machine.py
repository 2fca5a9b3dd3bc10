"""Whole releases on one machine by the commands that people type, under the small policy, with visitors all the while.

Three challengers come: (b) shuffled classes, (d) one that fails 1 request in 20, (a) an equal one, whose judge is (e)
killed at 25 %. Nothing here waits for a time: settings are short, and nothing is left out. Tests may run alone and in
any order: one machine serves them as long as its champion does, and another one after that.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

import serving
import silencio
from serving.canary.one_machine_state import MachineState
from serving.canary.store import FileStore
from silencio.release.record import ReleaseRecord
from tests.serving.canary import small_bundles
from tests.serving.canary.small_splitter import PREDICT, needs_splitter
from tests.waiting import HANG_S, until

pytestmark = [pytest.mark.release, needs_splitter]

ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (serving, silencio))
}
ENVIRONMENT.pop("MLFLOW_TRACKING_URI", None)
_N_VISITORS = 2
# One in 20 of the visitors' recordings is at full scale.
_LOUD_EVERY = 20


@dataclass
class Visitors:
    """Visitors who come all the while, each with a session of its own."""

    url: str
    n_answered: int = 0
    failures: list[tuple[str, bool]] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def coming(self) -> Iterator[None]:
        clips = [small_bundles.clip(1_000 + i, is_loud=i == 7) for i in range(_LOUD_EVERY)]
        threads = [threading.Thread(target=self._come, args=(clips, i)) for i in range(_N_VISITORS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _come(self, clips: list[bytes], number: int) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=HANG_S) as client:
            while not self._is_over.is_set():
                number += 1
                headers = {"Content-Type": "audio/flac", "X-Session-ID": uuid.uuid4().hex}
                clip = clips[number % len(clips)]
                try:
                    answer = client.post(PREDICT, content=clip, headers=headers)
                except httpx.TransportError as error:
                    self.failures.append((type(error).__name__, number % len(clips) == 7))
                    continue
                if answer.is_success:
                    self.n_answered += 1
                else:
                    arm = answer.headers.get("x-silencio-arm", "")
                    self.failures.append((arm, number % len(clips) == 7))


@dataclass
class Machine:
    """A `silencio serve --splitter`, and the commands of a release owner."""

    folder: Path
    policy: Path
    process: subprocess.Popen[bytes]

    @property
    def may_begin(self) -> bool:
        """Whether a release may begin here: the last one has ended, and its champion serves still."""
        former = self.store.load()
        is_free = former is None or (former.has_ended and not former.outstanding)
        return is_free and self.process.poll() is None and MachineState.load(self.folder).champion.is_running

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    @property
    def store(self) -> FileStore:
        return FileStore(self.folder / "release")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "silencio", "release", words[0], "--state-dir", str(self.folder), *words[1:]]

    def release(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), env=ENVIRONMENT, capture_output=True, text=True, timeout=HANG_S, check=False
        )

    def start(self, challenger: Path, comparison: Path) -> None:
        done = self.release(
            "start", "--challenger", str(challenger), "--policy", str(self.policy), "--replay", str(comparison)
        )
        assert done.returncode == 0, done.stderr

    def judge(self) -> subprocess.CompletedProcess[str]:
        return self.release("auto", "--until-held")

    def record(self) -> ReleaseRecord:
        record = self.store.load()
        assert record is not None
        return record


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return {
        "champion": small_bundles.champion(folder / "champion"),
        "retrained": small_bundles.retrained(folder / "retrained"),
        "shuffled": small_bundles.shuffled(folder / "shuffled"),
        "failing": small_bundles.failing_on_loud_sound(folder / "failing"),
    }


def _serve(champion: Path, folder: Path) -> Machine:
    values = yaml.safe_load(Path("src/silencio/presets/release/small.yaml").read_text(encoding="utf-8"))
    # How fast this machine is decides nothing: what is slow is compared, and its absolute limit is far away.
    values["rules"]["slow"]["limit"] = 60.0
    policy, log = folder / "policy.yaml", folder / "serve.log"
    policy.write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-m", "silencio", "serve", "--bundle", str(champion), "--splitter"]
    command += ["--state-dir", str(folder), "--port", "0", "--scrape-interval-s", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=output, stderr=subprocess.STDOUT)

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return "Ctrl-C" in log.read_text()

    try:
        until(is_ready, log.read_text)
    except BaseException:
        process.kill()
        raise
    return Machine(folder, policy, process)


@pytest.fixture(scope="module")
def machines() -> Iterator[list[Machine]]:
    """The one that serves, where one does."""
    started: list[Machine] = []
    yield started
    for one in started:
        one.stop()


@pytest.fixture
def machine(machines: list[Machine], bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """One on which a release may begin."""
    if machines and not machines[-1].may_begin:
        machines.pop().stop()
    if not machines:
        machines.append(_serve(bundles["champion"], tmp_path_factory.mktemp("machine")))
    return machines[-1]


@pytest.fixture
def visitors(machine: Machine) -> Iterator[Visitors]:
    visitors = Visitors(MachineState.load(machine.folder).url)
    with visitors.coming():
        yield visitors


def test_b__shuffled_classes_are_refused_before_any_visitor(
    machine: Machine, bundles: dict[str, Path], visitors: Visitors, tmp_path: Path
) -> None:
    comparison = small_bundles.write_comparison(tmp_path / "c.json", bundles["champion"], bundles["shuffled"])
    machine.start(bundles["shuffled"], comparison)
    done = machine.judge()
    record = machine.record()
    assert (record.state, record.rule) == ("refused", "replay"), done.stdout + done.stderr
    assert done.returncode == 5
    assert all(interval["simulated"] for interval in record.intervals)
    assert visitors.failures == [] and visitors.n_answered > 0
    again = machine.release("start", "--challenger", str(bundles["shuffled"]))
    assert again.returncode == 1 and "--again" in again.stderr


def test_d__one_request_in_twenty_failing_is_rolled_back(
    machine: Machine, bundles: dict[str, Path], visitors: Visitors, tmp_path: Path
) -> None:
    comparison = small_bundles.write_comparison(tmp_path / "c.json", bundles["champion"], bundles["failing"])
    machine.start(bundles["failing"], comparison)
    done = machine.judge()
    record = machine.record()
    assert (record.state, record.rule) == ("rolled_back", "errors"), done.stdout + done.stderr
    assert done.returncode == 4
    assert visitors.failures, "the fault reached visitors, or nothing was tested"
    assert set(visitors.failures) == {("challenger", True)}, "nobody else's request failed"
    assert [one.share_percent for one in record.history][-1] == 0.0


def test_a_and_e__an_equal_bundle_is_promoted_though_its_judge_is_killed_at_25_percent(
    machine: Machine, bundles: dict[str, Path], visitors: Visitors, tmp_path: Path
) -> None:
    comparison = small_bundles.write_comparison(tmp_path / "c.json", bundles["champion"], bundles["retrained"])
    machine.start(bundles["retrained"], comparison)
    judge = subprocess.Popen(
        machine.command("auto"), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until(lambda: machine.record().share_percent == 25.0 or judge.poll() is not None, lambda: machine.record().why)
        second = machine.release("auto", "--once")
        assert second.returncode == 1 and "another judge" in second.stderr
    finally:
        judge.kill()
        judge.communicate()
    killed_at = machine.record()
    done = machine.judge()
    record = machine.record()
    assert (record.release_id, record.state) == (killed_at.release_id, "promoted"), done.stdout + done.stderr
    assert done.returncode == 0
    assert [event.state for event in record.history] == ["dark", "step", "step", "step", "baking", "promoted"]
    assert visitors.failures == []
    assert MachineState.load(machine.folder).champion.condition == "retired"
    page = tmp_path / "page"
    assert machine.release("report", "--out", str(page)).returncode == 0
    assert json.loads((page / "release.json").read_text())["headline"]["state"] == "promoted"
