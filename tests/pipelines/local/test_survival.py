"""Runs that are killed, stopped and disturbed, on a pipeline of small steps (`toy_run`).

`test_train_survival.py` kills `train` at every step.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.local.run import FailedStepError, run_local
from silencio.errors import PipelineError, StorageError
from tests.pipelines import toy_run
from tests.waiting import HANG_S, is_gone, until

ROOT = Path(__file__).parents[3]


class Toy:
    """Starts the toy pipeline, in this process or in one of its own.

    Attributes:
        out: The run's folder.
        text: The pipeline's argument.
        source: A file that its first step reads.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.out = folder / "out"
        self.text = "hello"
        self.source = ""
        self._journal = folder / "journal"
        self._patch = patch
        patch.setenv("TOY_JOURNAL", str(self._journal))

    @property
    def bundle(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.out / "bundle").iterdir()}

    @property
    def journal(self) -> list[tuple[str, int]]:
        """Name and process of every step that ran, in all starts."""
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        return [(line.split()[0], int(line.split()[1])) for line in lines]

    def disturb(self, step: str = "", does: str = "") -> None:
        """What this step does in later starts, after half of its output is written."""
        self._patch.setenv("TOY_STEP", step)
        self._patch.setenv("TOY_DOES", does)

    def run(self) -> list[str]:
        """The steps that ran."""
        n_before = len(self.journal)
        toy_run.run(self.out, self.text, self.source)
        return [name for name, _ in self.journal[n_before:]]

    def failure(self) -> FailedStepError:
        with pytest.raises(FailedStepError) as failure:
            self.run()
        return failure.value

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.pipelines.toy_run", str(self.out), self.text, self.source]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True)

    def wait_for(self, step: str, n: int, after: int = 0) -> list[int]:
        """Processes of the steps of this name, when `n` have begun after `after` lines of the journal."""

        def begun() -> list[int]:
            pids = [pid for name, pid in self.journal[after:] if name == step]
            return pids if len(pids) == n else []

        return until(begun, f"{n} of {step}")


WAIT = "__import__('threading').Event().wait()"


def gone(pid: int) -> bool:
    return until(lambda: is_gone(pid), f"the end of process {pid}")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    return Toy(tmp_path, monkeypatch)


@pytest.fixture
def bundle(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What an uninterrupted run makes."""
    other = Toy(tmp_path / "other", monkeypatch)
    (tmp_path / "other").mkdir()
    assert sorted(other.run()) == ["begin", "count", "join", "part", "part", "weigh"]
    monkeypatch.setenv("TOY_JOURNAL", str(tmp_path / "journal"))
    return other.bundle


# Who is killed with -9; the step's own process is the one that the journal names, its parent watches over it.
KILLS = [
    ("begin", 1, lambda run, pids: os.kill(run, signal.SIGKILL)),
    ("begin", 1, lambda run, pids: os.kill(parent_of(pids[0]), signal.SIGKILL)),
    ("part", 2, lambda run, pids: os.killpg(run, signal.SIGKILL)),
    ("join", 1, lambda run, pids: os.kill(pids[0], signal.SIGKILL)),
]


def test_kill_in_the_middle_of_a_step__leaves_no_process_and_the_same_bundle(
    toy: Toy, bundle: dict[str, bytes]
) -> None:
    for step, n, kill in KILLS:
        after = len(toy.journal)
        toy.disturb(step, WAIT)
        process = toy.start()
        pids = toy.wait_for(step, n, after)
        kill(process.pid, pids)
        _, error = process.communicate(timeout=HANG_S)
        assert all(gone(pid) for pid in pids)
        assert process.returncode != 0
        assert not (toy.out / "bundle").exists()
    assert error.splitlines()[-1] == (
        "error: step join failed: it was killed by signal 9 (by hand, or because memory ran out)"
    )
    toy.disturb()
    assert toy.run() == ["join"]
    assert toy.bundle == bundle
    ran = [name for name, _ in toy.journal]
    # Done once each, and begun once more for each kill; both parts were at work.
    assert {name: ran.count(name) for name in set(ran)} == {"begin": 3, "count": 1, "part": 4, "weigh": 1, "join": 2}


def test_run_that_came_to_its_end__is_taken_up_whole(toy: Toy) -> None:
    toy.run()
    again = toy_run.run(toy.out, toy.text)
    assert len(toy.journal) == len(again.times) == 6
    assert all(step.taken_up and step.seconds > 0 for step in again.times)


def test_other_argument_or_other_code__runs_again_and_what_it_replaces_is_removed(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.run()
    first = toy.bundle
    toy.text = "other"
    assert len(toy.run()) == 6
    assert toy.bundle != first
    monkeypatch.setenv("TOY_IDENTITY", "other code")
    assert len(toy.run()) == 6
    assert len(list((toy.out / "artifacts").glob("toy-*"))) == 1
    assert len(list((toy.out / "artifacts" / ".finished").glob("*.json"))) == 6


def test_changed_file_that_an_argument_names__is_read_again(toy: Toy, tmp_path: Path) -> None:
    # What counts as a change of folders, zip files and manifests: test_identity.py.
    source = tmp_path / "source"
    source.write_text("first")
    toy.source = str(source)
    toy.run()
    assert not toy.run()
    source.write_text("other")
    assert len(toy.run()) == 6
    assert b"other" in toy.bundle["model.txt"]


def test_output_that_was_changed_or_lost__is_made_again(toy: Toy) -> None:
    toy.run()
    before = toy.bundle
    (made,) = (toy.out / "artifacts").glob("toy-*/join/bundle/model.txt")
    made.write_text("tampered")
    assert toy.run() == ["join"]
    (piece,) = (toy.out / "artifacts").glob("toy-*/*iteration-0/part/piece")
    piece.unlink()
    # It makes the same again: what was joined of it still stands.
    assert toy.run() == ["part"]
    assert toy.bundle == before


def test_folder_that_was_copied__takes_nothing_from_where_it_was(toy: Toy, tmp_path: Path) -> None:
    toy.run()
    shutil.copytree(toy.out, tmp_path / "copy")
    toy.out = tmp_path / "copy"
    assert len(toy.run()) == 6


def test_own_files_beside_the_artifacts__are_left_alone(toy: Toy) -> None:
    mine = toy.out / "artifacts" / "thesis" / "chapter.txt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    toy.run()
    assert mine.exists()


def test_other_run_in_the_same_folder__is_refused(toy: Toy) -> None:
    toy.disturb("begin", WAIT)
    process = toy.start()
    toy.wait_for("begin", 1)
    with pytest.raises(
        PipelineError, match=rf"another run \(process {process.pid}, begun 2.*\) is at work in {toy.out}"
    ):
        toy.run()
    process.kill()
    process.communicate()
    toy.disturb()
    # The kernel gave the folder free.
    assert len(toy.run()) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal__stops_the_steps_and_says_how_to_go_on(number: signal.Signals, toy: Toy) -> None:
    toy.disturb("part", WAIT)
    # Tests that a script started in its background ignore SIGINT, and so would what they start.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        process = toy.start()
    finally:
        signal.signal(number, before)
    pids = toy.wait_for("part", 2)
    process.send_signal(number)
    _, error = process.communicate(timeout=HANG_S)
    assert process.returncode == 130
    assert all(gone(pid) for pid in pids)
    assert re.fullmatch(
        r"stopped in part and part after \d finished steps; the same command takes up from there\n", error
    )
    assert not list((toy.out / "artifacts").glob("toy-*/*/part"))


def test_signal_that_is_ignored__stays_ignored(toy: Toy) -> None:
    # As nohup starts a program.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        toy.disturb("begin", f"import os, signal; os.kill({os.getpid()}, signal.SIGHUP)")
        assert len(toy.run()) == 6
    finally:
        signal.signal(signal.SIGHUP, before)


def test_error_of_the_library__is_one_sentence_and_the_place_in_the_code(toy: Toy) -> None:
    toy.disturb("weigh", "from silencio.errors import DataError; raise DataError('row 4: no such\\n label')")
    failure = toy.failure()
    assert str(failure) == "step weigh failed: row 4: no such label"
    assert "Traceback (most recent call last)" in failure.details and "in weigh\n" in failure.details
    assert re.search(r"takes up from \d finished steps\.$", failure.details)


def test_first_of_two_failures__is_the_one_that_is_told(toy: Toy) -> None:
    # The other one comes to its end when the run has taken note of the first.
    does = (
        "from pathlib import Path; from tests.waiting import until\n"
        "if 'iteration-0' in path: raise ValueError('first')\n"
        f"until(lambda: 'part failed' in Path({str(toy.out / 'run.log')!r}).read_text())\n"
        "raise ValueError('second')"
    )
    toy.disturb("part", does)
    assert str(toy.failure()) == "step part failed: ValueError: first"
    assert "join" not in [name for name, _ in toy.journal]


def test_failed_step__leaves_nothing_half_written_and_is_done_again(toy: Toy, bundle: dict[str, bytes]) -> None:
    toy.disturb("join", "raise ValueError('oops')")
    toy.failure()
    assert not list((toy.out / "artifacts").glob("toy-*/join"))
    assert not (toy.out / "bundle").exists()
    toy.disturb()
    assert toy.run() == ["join"]
    assert toy.bundle == bundle


def test_run_that_failed__is_told_to_whoever_keeps_its_record(toy: Toy) -> None:
    told: list[str] = []
    arguments = {"text": "hello", "source": ""}
    toy.disturb("begin", "raise ValueError('oops')")
    with pytest.raises(FailedStepError):
        run_local(toy_run.toy, arguments, "code", toy.out, {}, told.append)
    assert not told
    toy.disturb("join", "raise ValueError('oops')")
    for commit in ("one", "another"):
        with pytest.raises(FailedStepError):
            run_local(toy_run.toy, arguments, "code", toy.out, {}, told.append, {"SILENCIO_CODE_VERSION": commit})
    # Started again, it is the same run, and another commit with the same code is no other; other arguments are one.
    assert len(told) == 2 and len(set(told)) == 1
    assert [name for name, _ in toy.journal].count("weigh") == 1
    with pytest.raises(FailedStepError):
        run_local(toy_run.toy, {**arguments, "text": "other"}, "code", toy.out, {}, told.append)
    assert len(set(told)) == 2


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("open('/dev/full', 'w').write('x' * 9999)", "no space left on the disk: free some, or name another --out"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", "it was killed by signal 7 (a full disk or"),
    ],
)
def test_fault_of_the_machine__is_one_sentence(does: str, sentence: str, toy: Toy) -> None:
    toy.disturb("begin", does)
    assert str(toy.failure()).startswith(f"step begin failed: {sentence}")


ABORT = "import os; os.abort()"


def test_step_whose_interpreter_aborts_after_its_work__is_done(toy: Toy, bundle: dict[str, bytes]) -> None:
    # As a library's thread does that wakes up when the interpreter is half gone.
    toy.disturb("weigh", "import atexit, os; atexit.register(os.abort)")
    assert len(toy.run()) == 6
    assert toy.bundle == bundle
    said = "the step wrote everything, then its interpreter was ended by signal 6: the step counts as done"
    assert said in (toy.out / "run.log").read_text()
    # Its outputs are whole and kept: nothing runs again.
    assert toy.run() == []


def test_step_whose_interpreter_ends_with_another_status_after_its_work__is_done(toy: Toy) -> None:
    toy.disturb("weigh", "import atexit, os; atexit.register(os._exit, 3)")
    assert len(toy.run()) == 6
    assert "then its interpreter ended with status 3" in (toy.out / "run.log").read_text()


def test_step_that_aborts_in_its_work__fails(toy: Toy) -> None:
    toy.disturb("weigh", ABORT)
    assert str(toy.failure()) == (
        "step weigh failed: it was killed by signal 6 (a library gave up; the last lines in the log say why)"
    )
    toy.disturb()
    assert "weigh" in toy.run()


def test_step_that_aborts_while_its_outputs_are_written__fails(toy: Toy) -> None:
    # After its function returned, and before kfp's executor has written what it returned.
    does = "import kfp.dsl.executor, os; kfp.dsl.executor.Executor.write_executor_output = lambda *_: os.abort()"
    toy.disturb("weigh", does)
    assert str(toy.failure()).startswith("step weigh failed: it was killed by signal 6")


def test_processes_that_a_step_started__end_with_it(toy: Toy) -> None:
    does = (
        "import subprocess, sys, os; child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        "open(os.environ['TOY_JOURNAL'], 'a').write(f'child {child.pid}\\n');"
    )
    toy.disturb("begin", does + WAIT)
    process = toy.start()
    (child,) = toy.wait_for("child", 1)
    process.kill()
    process.communicate()
    assert gone(child)


def test_full_disk__keeps_the_old_bundle_and_goes_on_when_there_is_room(toy: Toy, tmp_path: Path) -> None:
    toy.out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(toy.out)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        toy.run()
        before = toy.bundle
        toy.source = str(tmp_path / "source")
        Path(toy.source).write_text("x" * 300_000)
        assert str(toy.failure()).startswith("step join failed: no space left on ")
        assert toy.bundle == before
        assert len(list((toy.out / "artifacts").glob("toy-*/join"))) == 1
        subprocess.run(["mount", "-o", "remount,size=4M", str(toy.out)], check=True)
        assert toy.run() == ["join"]
        assert len(toy.bundle["model.txt"]) > 600_000
    finally:
        subprocess.run(["umount", str(toy.out)], check=True)


def test_folder_that_cannot_be_written__is_one_sentence(toy: Toy) -> None:
    toy.out.mkdir()
    (toy.out / "artifacts").write_text("a file")
    with pytest.raises(StorageError, match=rf"^{toy.out}/artifacts cannot be written: (File exists|Not a directory)$"):
        toy.run()
    shutil.rmtree(toy.out)
    toy.out.write_text("a file")
    with pytest.raises(
        StorageError, match=rf"^--out {toy.out} cannot be written \((File exists|Not a directory)\): name a folder"
    ):
        toy.run()


def test_record_of_a_run_that_did_not_end__is_closed_by_another_command_in_its_folder_and_not_by_the_same(
    toy: Toy,
) -> None:
    closed: list[str] = []

    def run(text: str) -> None:
        run_local(toy_run.toy, {"text": text}, "code", toy.out, {"Output": "bundle"}, closed.append)

    toy.disturb("join", "1 / 0")
    with pytest.raises(FailedStepError):
        run("hello")
    (key,) = closed
    # As after a kill -9, of which nobody could tell MLflow: whoever comes next does.
    closed.clear()
    toy.disturb()
    run("hello")
    assert closed == []
    toy.disturb("join", "1 / 0")
    with pytest.raises(FailedStepError):
        run("good bye")
    closed.clear()
    toy.disturb()
    run("hello again")
    assert len(closed) == 1
    assert closed[0] != key
