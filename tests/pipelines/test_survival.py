"""Runs that are killed, stopped and disturbed, on a pipeline of small steps (`toy_run`).

`test_train_survival.py` does the same to every step of `train`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAIT = "import time; time.sleep(60)"


@dataclass
class Toy:
    """Starts the toy pipeline in processes of its own.

    Attributes:
        folder: Holds the run's folder `out` and the journal.
        text: The pipeline's argument.
        source: A file that its first step reads.
    """

    folder: Path
    text: str = "hello"
    source: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def bundle(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.out / "bundle").iterdir()}

    def start(self, step: str = "", does: str = WAIT, out: Path | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.pipelines.toy_run", str(out or self.out), self.text, self.source]
        toy = {"TOY_JOURNAL": str(self.folder / "journal"), "TOY_STEP": step, "TOY_DOES": does}
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **toy, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, step: str = "", does: str = WAIT) -> tuple[int, list[str], str]:
        """Exit status, the steps that ran, and what was said of errors."""
        n_before = len(self.journal)
        process = self.start(step, does)
        _, error = process.communicate(timeout=60)
        return process.returncode, [name for name, _ in self.journal[n_before:]], error

    @property
    def journal(self) -> list[tuple[str, int]]:
        path = self.folder / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split()[0], int(line.split()[1])) for line in lines]

    def wait_for(self, step: str, n: int, after: int) -> list[int]:
        """Processes of the steps of this name that began after `after` lines of the journal, when there are `n`."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            pids = [pid for name, pid in self.journal[after:] if name == step]
            if len(pids) == n:
                return pids
            time.sleep(0.02)
        raise TimeoutError(f"{step} did not begin")


def gone(pid: int) -> bool:
    """Within a second: no such process, or it only waits to be counted by its parent."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    toy = Toy(tmp_path_factory.mktemp("uninterrupted"))
    status, steps, error = toy.run()
    assert status == 0, error
    assert sorted(steps) == ["begin", "count", "join", "part", "part", "weigh"]
    yield toy


# Who is killed with -9; the step's own process is the one that the journal names, its parent watches over it.
KILLS = {
    "the run": lambda run, pids: os.kill(run, signal.SIGKILL),
    "the run's process group": lambda run, pids: os.killpg(run, signal.SIGKILL),
    "the step": lambda run, pids: [os.kill(pid, signal.SIGKILL) for pid in pids],
    "what watches over the step": lambda run, pids: [os.kill(parent_of(pid), signal.SIGKILL) for pid in pids],
}


@pytest.mark.parametrize("victim", KILLS)
def test_kill_in_the_middle_of_any_step__leaves_no_process_and_the_same_bundle(
    victim: str, toy: Toy, uninterrupted: Toy
) -> None:
    # One chain: each start takes up what the one before finished, and is killed one step further on.
    for step, n in (("begin", 1), ("part", 2), ("join", 1)):
        after = len(toy.journal)
        process = toy.start(step)
        pids = toy.wait_for(step, n, after)
        KILLS[victim](process.pid, pids)
        _, error = process.communicate(timeout=30)
        assert all(gone(pid) for pid in pids)
        assert process.returncode != 0
        assert not (toy.out / "bundle").exists()
        if victim == "the step":
            assert error.splitlines()[-1].startswith(f"error: step {step} failed: it was killed by signal 9")
    status, _, error = toy.run()
    assert status == 0, error
    assert toy.bundle == uninterrupted.bundle
    ran = [name for name, _ in toy.journal]
    # Killed once each, done once each; both parts were at work.
    assert {name: ran.count(name) for name in set(ran)} == {"begin": 2, "count": 1, "part": 4, "weigh": 1, "join": 2}


def test_run_that_came_to_its_end__is_taken_up_whole(toy: Toy) -> None:
    assert toy.run()[1]
    process = toy.start()
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(toy.journal) == 6
    assert shown.count(": taken up, done ") == 6


def test_changed_argument__runs_again_and_what_it_replaces_is_removed(toy: Toy) -> None:
    toy.run()
    first = toy.bundle
    toy.text = "other"
    assert len(toy.run()[1]) == 6
    assert toy.bundle != first
    assert len(list((toy.out / "artifacts").glob("toy-*"))) == 1
    assert len(list((toy.out / "artifacts" / ".finished").glob("*.json"))) == 6


def test_changed_code__runs_again(toy: Toy) -> None:
    toy.run()
    toy.environment["TOY_IDENTITY"] = "other code"
    assert len(toy.run()[1]) == 6


def test_changed_file_that_an_argument_names__is_read_again(toy: Toy) -> None:
    # What counts as a change of folders, S3 prefixes and manifests: test_identity.py.
    source = toy.folder / "source"
    source.write_text("first")
    toy.source = str(source)
    toy.run()
    assert not toy.run()[1]
    source.write_text("other")
    assert len(toy.run()[1]) == 6
    assert b"other" in toy.bundle["model.txt"]


def test_output_that_was_changed_or_lost__is_made_again(toy: Toy) -> None:
    toy.run()
    bundle = toy.bundle
    (made,) = (toy.out / "artifacts").glob("toy-*/join/bundle/model.txt")
    made.write_text("tampered")
    assert toy.run()[1] == ["join"]
    assert toy.bundle == bundle
    (piece,) = (toy.out / "artifacts").glob("toy-*/*iteration-0/part/piece")
    piece.unlink()
    assert toy.run()[1] == ["part", "join"]
    assert toy.bundle == bundle


def test_other_run_in_the_same_folder__is_refused(toy: Toy) -> None:
    process = toy.start("begin")
    toy.wait_for("begin", 1, 0)
    status, steps, error = toy.run()
    assert status == 1 and not steps
    assert f"another run (process {process.pid}, begun 2" in error and error.count("\n") == 1
    process.kill()
    process.communicate()
    # The kernel gave the folder free.
    assert toy.run()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal__stops_the_steps_and_says_how_to_go_on(number: signal.Signals, toy: Toy) -> None:
    process = toy.start("part")
    pids = toy.wait_for("part", 2, 0)
    process.send_signal(number)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 130
    assert all(gone(pid) for pid in pids)
    assert error.count("\n") == 1
    assert error.startswith("stopped in part and part after ")
    assert "the same command takes up from there" in error
    assert not list((toy.out / "artifacts").glob("toy-*/*/part"))


def test_error_of_the_library__is_the_last_line(toy: Toy) -> None:
    does = "from silencio.errors import DataError; raise DataError('row 4: no such\\n  label') from KeyError('x')"
    status, _, error = toy.run("weigh", does)
    assert status == 1
    assert error.splitlines()[-1] == "error: step weigh failed: row 4: no such label"
    assert "Traceback (most recent call last)" in error and 'File "' in error
    assert "the same command takes up from" in error


def test_first_of_two_failures__is_the_one_that_is_told(toy: Toy) -> None:
    does = "import os, time; raise ValueError('first' if path.find('iteration-0') > 0 else time.sleep(2) or 'second')"
    status, ran, error = toy.run("part", does)
    assert status == 1
    assert error.splitlines()[-1] == "error: step part failed: ValueError: first"
    assert "join" not in ran


def test_failed_step__leaves_nothing_half_written_and_is_done_again(toy: Toy, uninterrupted: Toy) -> None:
    toy.run("join", "raise ValueError('oops')")
    assert not list((toy.out / "artifacts").glob("toy-*/join"))
    assert not (toy.out / "bundle").exists()
    assert toy.run()[1] == ["join"]
    assert toy.bundle == uninterrupted.bundle


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("open('/dev/full', 'w').write('x' * 9999)", "no space left on the disk: free some, or name another --out"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", "it was killed by signal 7 (a full disk or"),
    ],
)
def test_fault_of_the_machine__is_one_sentence(does: str, sentence: str, toy: Toy) -> None:
    status, _, error = toy.run("begin", does)
    assert status == 1
    assert error.splitlines()[-1].startswith(f"error: step begin failed: {sentence}")


def test_processes_that_a_step_started__end_with_it(toy: Toy) -> None:
    does = (
        "import subprocess, sys, os; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "open(os.environ['TOY_JOURNAL'], 'a').write(f'child {child.pid}\\n'); import time; time.sleep(60)"
    )
    process = toy.start("weigh", does)
    (child,) = toy.wait_for("child", 1, 0)
    process.kill()
    process.communicate()
    assert gone(child)


def test_full_disk__keeps_the_old_bundle_and_goes_on_when_there_is_room(toy: Toy) -> None:
    toy.out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(toy.out)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        assert toy.run()[0] == 0
        before = toy.bundle
        toy.source = str(toy.folder / "source")
        Path(toy.source).write_text("x" * 300_000)
        status, _, error = toy.run()
        assert status == 1
        assert error.splitlines()[-1].startswith("error: step join failed: no space left on ")
        assert toy.bundle == before
        assert not list((toy.out / "artifacts").glob("toy-*/join"))
        subprocess.run(["mount", "-o", "remount,size=4M", str(toy.out)], check=True)
        assert toy.run()[:2] == (0, ["join"])
        assert len(toy.bundle["model.txt"]) > 600_000
    finally:
        subprocess.run(["umount", str(toy.out)], check=True)


def test_folder_that_cannot_be_written__is_one_sentence(toy: Toy) -> None:
    toy.out.write_text("a file")
    status, steps, error = toy.run()
    assert status == 1 and not steps
    assert error == f"error: --out {toy.out} cannot be written (File exists): name a folder that can\n"
