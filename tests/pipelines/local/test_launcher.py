"""How steps' processes come to be, and what is in them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.run import IMPORTED_BY_STEPS
from pipelines.local.launcher import StepLauncher
from pipelines.step_process import RUN_PID
from tests.pipelines.toy_run import begin
from tests.waiting import is_gone, until

# Its last lines; libraries and kfp print before.
MARK = "step: "
ROOT = Path(__file__).parents[3]


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[StepLauncher]:
    with StepLauncher(tmp_path, ["wave", "no_such_module"]) as opened:
        yield opened


def command_of(does: str, folder: Path) -> list[str]:
    """As kfp writes it for a function."""
    container = begin.component_spec.implementation.container
    wanted = {"inputs": {}, "outputs": {"outputFile": str(folder / "executor.json")}}
    command = [part.replace("python3", sys.executable) for part in container.command[:-1]]
    source = f"def step() -> str:\n{textwrap.indent(does, '    ')}\n    return 'made'\n"
    return [*command, source, "--executor_input", json.dumps(wanted), "--function_to_execute", "step"]


def run(launcher: StepLauncher, does: str, folder: Path, **environment: str) -> tuple[int, Any]:
    """Exit status, and what the step put into `found`."""
    prints = f"import json, os, sys\nfound = None\n{does}\nprint('{MARK}' + json.dumps(found), flush=True)"
    ours = {**os.environ, RUN_PID: str(os.getpid()), **environment}
    process = launcher.start("train-head", command_of(prints, folder), ours)
    with process.stdout as lines:
        found = [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
    return process.wait(), json.loads(found[0]) if found else None


def imported(launcher: StepLauncher, module: str, folder: Path) -> bool:
    """A step that comes before it is does not wait for it."""
    return bool(run(launcher, f"found = {module!r} in sys.modules", folder)[1])


def test_step__finds_imported_what_the_run_named(launcher: StepLauncher, tmp_path: Path) -> None:
    assert until(lambda: imported(launcher, "wave", tmp_path))
    does = "found = ['kfp.dsl.executor' in sys.modules, 'aifc' in sys.modules]"
    assert run(launcher, does, tmp_path) == (0, [True, False])


def test_step__is_a_process_by_its_name_in_a_group_of_its_own(launcher: StepLauncher, tmp_path: Path) -> None:
    does = "found = [open('/proc/self/comm').read(), os.getpgid(0) == os.getpid(), os.getppid(), sys.argv[0]]"
    status, (name, is_leader, watcher, program) = run(launcher, does, tmp_path)
    assert (status, name, is_leader) == (0, "train-head\n", True)
    assert watcher != os.getpid()
    assert program.endswith("step_process.py")


def test_step__has_its_environment_and_no_other(
    launcher: StepLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It was there when the process began that steps are forked from.
    launcher.start("first", command_of("pass", tmp_path), {**os.environ}).wait()
    gone = next(name for name in os.environ if name.startswith("PYTEST"))
    monkeypatch.delenv(gone)
    does = f"found = [os.environ.get('{gone}'), os.environ.get('OF_STEP'), os.environ['_KFP_RUNTIME']]"
    assert run(launcher, does, tmp_path, OF_STEP="seven") == (0, [None, "seven", "true"])


def test_step__has_what_libraries_set_when_they_were_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sets_two.py").write_text("import os\nos.environ['OF_LIBRARY'] = 'a'\nos.environ['OF_USER'] = 'b'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with StepLauncher(tmp_path, ["sets_two"]) as launcher:
        assert until(lambda: imported(launcher, "sets_two", tmp_path))
        does = "found = [os.environ.get('OF_LIBRARY'), os.environ.get('OF_USER')]"
        assert run(launcher, does, tmp_path, OF_USER="mine") == (0, ["a", "mine"])


def test_steps__draw_other_random_numbers(tmp_path: Path) -> None:
    with StepLauncher(tmp_path, ["numpy"]) as launcher:
        assert until(lambda: imported(launcher, "numpy", tmp_path))
        does = "import numpy, random, tempfile\nfound = [numpy.random.random(), random.random(), tempfile.mktemp()]"
        first, second = (run(launcher, does, tmp_path)[1] for _ in range(2))
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("raise ValueError", 1),
        ("sys.exit(5)", 5),
        ("os.kill(os.getpid(), 11)", 128 + signal.SIGSEGV),
        ("os.kill(os.getppid(), 9)\nimport threading\nthreading.Event().wait()", -signal.SIGKILL),
    ],
)
def test_status__is_that_of_a_step_that_its_command_starts(
    does: str, status: int, launcher: StepLauncher, tmp_path: Path
) -> None:
    assert run(launcher, does, tmp_path)[0] == status


def test_step_that_leaves_an_idle_pool__ends(launcher: StepLauncher, tmp_path: Path) -> None:
    does = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "sys.modules['pool_of_test'] = pool = ThreadPoolExecutor(1)\nfound = pool.submit(lambda: 7).result()"
    )
    assert run(launcher, does, tmp_path) == (0, 7)


def test_step_that_is_killed__has_said_all_that_it_printed(launcher: StepLauncher, tmp_path: Path) -> None:
    does = "import os\nprint('the last word')\nos.kill(os.getpid(), 9)"
    process = launcher.start("killed", command_of(does, tmp_path), {**os.environ, RUN_PID: str(os.getpid())})
    with process.stdout as lines:
        assert "the last word\n" in list(lines)
    assert process.wait() == 128 + signal.SIGKILL


def test_server__begins_with_what_glibc_reads_at_the_beginning(launcher: StepLauncher) -> None:
    assert launcher._server is not None
    environment = Path(f"/proc/{launcher._server.pid}/environ")
    assert until(lambda: b"MALLOC_TRIM_THRESHOLD_=" in environment.read_bytes())


def test_closed_launcher__waits_for_no_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = tmp_path / "begun"
    (tmp_path / "never_there.py").write_text(
        f"import pathlib, threading\npathlib.Path({str(begun)!r}).touch()\nthreading.Event().wait()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with StepLauncher(tmp_path, ["never_there"]) as launcher:
        assert until(begun.exists)
        assert launcher._server is not None
    assert launcher._server.returncode == 0


def test_server_that_is_gone__leaves_steps_to_their_commands(launcher: StepLauncher, tmp_path: Path) -> None:
    server = launcher._server
    assert server is not None
    server.kill()
    server.wait()
    does = "found = ['wave' in sys.modules, 'kfp.dsl.executor' in sys.modules]"
    assert run(launcher, does, tmp_path) == (0, [False, True])


def test_server_that_is_killed__ends_the_step_that_it_started(launcher: StepLauncher, tmp_path: Path) -> None:
    does = f"import threading\nprint('{MARK}' + str(os.getpid()), flush=True)\nthreading.Event().wait()"
    process = launcher.start("waits", command_of(f"import os\n{does}", tmp_path), {**os.environ, RUN_PID: "1"})
    assert launcher._server is not None
    with process.stdout as lines:
        pid = next(int(line.removeprefix(MARK)) for line in lines if line.startswith(MARK))
        launcher._server.kill()
        assert not list(lines)
    assert process.wait() == -signal.SIGKILL
    assert until(lambda: is_gone(pid), f"the end of {pid}")


def test_run_that_is_killed__ends_the_server_in_the_midst_of_an_import(tmp_path: Path) -> None:
    (tmp_path / "never_there.py").write_text(
        f"import os, pathlib, threading\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(f'{{os.getpid()}} ')\n"
        "threading.Event().wait()\n"
    )
    opens = (
        "import pathlib, threading\nfrom pipelines.local.launcher import StepLauncher\n"
        f"with StepLauncher(pathlib.Path({str(tmp_path)!r}), ['never_there']):\n    threading.Event().wait()"
    )
    search = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    run = subprocess.Popen([sys.executable, "-c", opens], cwd=ROOT, env={**os.environ, "PYTHONPATH": search})
    try:
        server = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    finally:
        run.kill()
        run.wait()
    assert until(lambda: is_gone(server), f"the end of {server}")


def test_closed_launcher__has_ended_its_steps_and_starts_none(tmp_path: Path) -> None:
    with StepLauncher(tmp_path) as launcher:
        waits = command_of(f"import os, threading\nprint('{MARK}', flush=True)\nthreading.Event().wait()", tmp_path)
        forked = launcher.start("waits", waits, {**os.environ, RUN_PID: "1"})
        with forked.stdout as lines:
            assert any(line.startswith(MARK) for line in lines)
            launcher.stop()
            assert not list(lines)
        assert forked.wait() == 128 + signal.SIGTERM
        late = launcher.start("late", ["sleep", "1000"], os.environ)
        assert late.wait() == -signal.SIGTERM
    assert launcher._server is not None
    assert launcher._server.returncode == 0


def test_other_command__runs_as_it_stands(launcher: StepLauncher, tmp_path: Path) -> None:
    process = launcher.start("other", ["sh", "-c", "echo $0 $1", "a", "b"], os.environ)
    with process.stdout as lines:
        assert list(lines) == ["a b\n"]
    assert process.wait() == 0


def test_imports_for_training__begin_no_work_on_an_accelerator(tmp_path: Path) -> None:
    # CUDA cannot be used in a process that is forked from one that has looked for it.
    (tmp_path / "watch_cuda.py").write_text(
        textwrap.dedent("""
            import torch
            LOOKED = []
            for place, name in ((torch._C, "_cuda_getDeviceCount"), (torch.cuda, "is_available"), (torch.cuda, "init")):
                if hasattr(place, name):
                    setattr(place, name, lambda *given, _name=name: LOOKED.append(_name) or 0)
        """)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        with StepLauncher(tmp_path, ["watch_cuda", *IMPORTED_BY_STEPS["train"]]) as launcher:
            assert until(lambda: imported(launcher, IMPORTED_BY_STEPS["train"][-1], tmp_path))
            assert run(launcher, "import watch_cuda\nfound = watch_cuda.LOOKED", tmp_path) == (0, [])
