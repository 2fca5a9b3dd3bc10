"""Shadow traffic of a real `silencio serve --canary`, as the judge of a real release sees it at its looks."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from serving.canary.one_machine_state import MachineState
from serving.canary.store import FileStore
from silencio.release.record import ReleaseRecord
from tests.serving.canary import small_bundles
from tests.serving.canary.small_splitter import PREDICT, needs_splitter
from tests.serving.canary.test_one_machine import ENVIRONMENT
from tests.waiting import HANG_S, until

pytestmark = [pytest.mark.release, needs_splitter]
_N_PAIRS = 12


class Machine:
    """A machine with a champion, a challenger, and a prediction log of both; every answer is copied."""

    def __init__(self, folder: Path, policy: Path) -> None:
        self.folder, self.policy = folder, policy
        self.store = FileStore(folder / "release")

    def release(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "silencio", "release", words[0], "--state-dir", str(self.folder), *words[1:]]
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=HANG_S, check=False)

    def judge(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "silencio", "release", "auto", "--until-held", "--state-dir", str(self.folder)]
        return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def record(self) -> ReleaseRecord:
        record = self.store.load()
        assert record is not None
        return record

    def verdict(self, rule: str) -> dict[str, Any]:
        return next((one for one in self.record().verdicts if one["rule"] == rule), {})

    def visitors_come(self, n_visitors: int) -> None:
        """Each with a session of its own, by the public address; those of the challenger's share are no pairs."""
        url = MachineState.load(self.folder).url
        with httpx.Client(base_url=url, trust_env=False, timeout=HANG_S) as client:
            for number in range(n_visitors):
                headers = {"Content-Type": "audio/flac", "X-Session-ID": f"walk-{number}"}
                assert client.post(PREDICT, content=small_bundles.clip(number), headers=headers).is_success


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    made = (small_bundles.champion, small_bundles.retrained, small_bundles.shuffled)
    return {one.__name__: one(folder / one.__name__) for one in made}


@pytest.fixture(scope="module")
def machine(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    values = yaml.safe_load(Path("src/silencio/presets/release/small.yaml").read_text(encoding="utf-8"))
    # It stays in the first step, and only these rules decide: labelled recordings would have refused the other before.
    values |= {"min_requests": 1_000_000, "max_s": 1e6}
    for name, rule in values["rules"].items():
        rule |= {"dry_run": name not in ("reachability", "disagreement"), "must_have_data": name == "reachability"}
    values["rules"]["disagreement"]["limit"] = 0.999
    policy = folder / "policy.yaml"
    policy.write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-m", "silencio", "serve", "--bundle", str(bundles["champion"]), "--canary"]
    command += [str(bundles["shuffled"]), "--state-dir", str(folder), "--port", "0", "--scrape-interval-s", "1"]
    command += ["--prediction-log", str(folder / "log"), "--shadow-share", "1"]
    environment = ENVIRONMENT | {"SILENCIO_PREDICTION_LOG_SECONDS": "0"}
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def is_ready() -> bool:
        assert process.poll() is None, (folder / "serve.log").read_text()
        return "Ctrl-C" in (folder / "serve.log").read_text()

    try:
        until(is_ready, lambda: (folder / "serve.log").read_text())
        yield Machine(folder, policy)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _in_first_step(machine: Machine, challenger: Path) -> subprocess.Popen[str]:
    done = machine.release("start", "--challenger", str(challenger), "--policy", str(machine.policy))
    assert done.returncode == 0, done.stderr
    judge = machine.judge()
    until(lambda: machine.record().state == "step" or judge.poll() is not None, lambda: machine.record().why)
    return judge


def _end(machine: Machine, judge: subprocess.Popen[str]) -> str:
    assert machine.release("rollback", "--reason", "seen enough").returncode == 0
    return judge.communicate(timeout=HANG_S)[0]


def test_disagreement__a_challenger_that_answers_visitors_otherwise_is_held_in_its_step(
    machine: Machine, bundles: dict[str, Path]
) -> None:
    judge = _in_first_step(machine, bundles["shuffled"])
    assert machine.verdict("disagreement").get("outcome") == "no_data"
    machine.visitors_come(2 * _N_PAIRS)
    until(lambda: machine.record().state == "held" or judge.poll() is not None, lambda: machine.record().verdicts)
    output, record = judge.communicate(timeout=HANG_S)[0], machine.record()
    assert (record.state, record.held_from, record.rule) == ("held", "step", "disagreement"), output
    assert machine.verdict("disagreement")["n"] >= 5
    assert machine.release("rollback", "--reason", "other answers").returncode == 0
    assert machine.release("auto", "--until-held").returncode == 4


def test_disagreement__an_equal_challenger_passes_with_every_visitor_of_the_champion_counted(
    machine: Machine, bundles: dict[str, Path]
) -> None:
    judge = _in_first_step(machine, bundles["retrained"])
    machine.visitors_come(2 * _N_PAIRS)
    answered = _units_of_champion(machine)
    until(lambda: machine.verdict("disagreement").get("n") == answered, lambda: machine.record().verdicts)
    verdicts = {rule: machine.verdict(rule) for rule in ("disagreement", "species", "confidence")}
    assert {(one["outcome"], one["n"]) for one in verdicts.values()} == {("pass", answered)}
    assert verdicts["disagreement"]["challenger"] == 0.0
    assert "rolled_back" in _end(machine, judge)


def _units_of_champion(machine: Machine) -> int:
    """Visitors of this test that met the champion: sessions of one step, as HAProxy draws them."""
    url = MachineState.load(machine.folder).url
    with httpx.Client(base_url=url, trust_env=False, timeout=HANG_S) as client:
        arms = [
            client.get("/", headers={"X-Session-ID": f"walk-{number}"}).headers["x-silencio-arm"]
            for number in range(2 * _N_PAIRS)
        ]
    return arms.count("champion")
