"""How commands end: by real processes, since it is the process's streams, signals and status that count."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from silencio.command import CLOSED_PIPE, STOPPED, TERMINATED

ROOT = Path(__file__).parents[2]
BEGIN = """
import os, signal, sys
from pathlib import Path
from silencio.command import command, exit_with
from silencio.errors import SilencioError

# What a script starts in its background ignores Ctrl-C, and hands that on.
signal.signal(signal.SIGINT, signal.default_int_handler)

@command
def main():
"""
BUFFERED, UNBUFFERED = {"PYTHONUNBUFFERED": ""}, {"PYTHONUNBUFFERED": "1"}


def shell(body: str, redirection: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with this body, run by a shell that redirects its output."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    script = f"{BEGIN}{lines}\n\nexit_with(main)\n"
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$0" -c "$1" {redirection}', sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )


@pytest.mark.parametrize("environment", [BUFFERED, UNBUFFERED], ids=["buffered", "unbuffered"])
def test_command__whose_reader_went_away_is_quiet(environment: dict[str, str]) -> None:
    for body in ("while True: print('a line')", "print('a line')", "raise SystemExit(print('a line'))"):
        done = shell(body, "| (exec <&-)", **environment)
        if body.startswith("while"):
            assert done.returncode == CLOSED_PIPE == 141
        assert done.stderr == ""


@pytest.mark.parametrize("environment", [BUFFERED, UNBUFFERED], ids=["buffered", "unbuffered"])
def test_command__on_a_full_disk_says_that_its_output_is_refused(environment: dict[str, str]) -> None:
    done = shell("print('a line')\nreturn 0", "> /dev/full", **environment)
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: No space left on device\n")


def test_command__without_streams_does_its_work(tmp_path: Path) -> None:
    """`>&-` and `2>&-`: the file that is opened next must not become what is printed into."""
    file = tmp_path / "file"
    body = f"with open({str(file)!r}, 'w') as file:\n    print('a line'); os.write(1, b'low'); file.write('content')"
    done = shell(body, ">&- 2>&-")
    assert (done.returncode, done.stdout, file.read_text()) == (0, "", "content")


def test_command__stopped_by_ctrl_c_says_so_in_one_line() -> None:
    done = shell("os.kill(os.getpid(), 2)\nwhile True: pass")
    assert (done.returncode, done.stderr) == (STOPPED, "stopped\n")
    done = shell("raise KeyboardInterrupt('stopped in a step: go on with the same command')")
    assert (done.returncode, done.stderr) == (130, "stopped in a step: go on with the same command\n")


def test_command__stopped_while_a_compiled_module_is_imported() -> None:
    """Such modules turn the interrupt into an ImportError of their own."""
    done = shell("raise ImportError('initialization failed') from KeyboardInterrupt()")
    assert (done.returncode, done.stderr) == (130, "stopped\n")


def test_command__stopped_after_its_end_says_nothing() -> None:
    done = shell("import atexit\natexit.register(os.kill, os.getpid(), 2)\nprint('done')")
    assert done.returncode in (128 + signal.SIGINT, -signal.SIGINT)  # a shell may have become the command
    assert (done.stdout, done.stderr) == ("done\n", "")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("raise SilencioError('it is wrong: do this')", "error: it is wrong: do this\n"),
        ("open('/proc/nowhere/x')", "error: /proc/nowhere/x: No such file or directory\n"),
        ("raise OSError(28, 'No space left on device', '/proc/x')", "while writing /proc/x: free some, or write to"),
        ("raise MemoryError", "error: the machine has no memory left: "),
        ("raise BrokenPipeError(32, 'Broken pipe')", "error: Broken pipe\n"),
        ("error = SilencioError('wrong')\nerror.details = 'where'\nraise error", "where\nerror: wrong\n"),
    ],
)
def test_command__ends_in_one_sentence(body: str, shown: str) -> None:
    done = shell(body)
    assert done.returncode == 1
    assert shown in done.stderr
    assert "Traceback" not in done.stderr


def test_command__keeps_the_traceback_of_a_mistake_of_ours() -> None:
    done = shell("return 1 // 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_command__prints_names_that_are_no_text(stream: str, encoding: str) -> None:
    done = shell(f"sys.{stream}.write(os.fsdecode(b'caf\\xe9 \\xc3\\xa9.ogg'))", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    wanted = {"utf-8": "caf%E9 é.ogg", "ascii": "caf%E9 \\xe9.ogg"}
    assert getattr(done, stream) == wanted[encoding]


def commands() -> list[Path]:
    """Of other modules that can be run, the process that starts them is the reader."""
    rooms = [ROOT / name for name in ("benchmarks", "pipelines", "serving", "src")]
    files = [file for room in rooms for file in sorted(room.rglob("__main__.py"))]
    return [*files, *sorted((ROOT / "scripts").glob("*.py"))]


@pytest.mark.parametrize("file", commands(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_command__ends_by_the_same_rules(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    (main,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    assert [ast.unparse(one) for one in main.decorator_list] == ["command"]
    end = tree.body[-1]
    assert isinstance(end, ast.If)
    assert [ast.unparse(one) for one in end.body] == ["exit_with(main)"]
    # Ctrl-C may come while what takes a second is imported: that is imported in `main`.
    slow = ("serving.", "silencio.bundle", "silencio.data.", "silencio.evaluation.", "pandas", "numpy", "rich")
    if file.name == "__main__.py" and "benchmarks" not in file.parts:
        names = [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
        names += [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
        assert [name for name in names if name.startswith(slow)] == []


# A container's first process, as far as the command can see.
AS_PROCESS_1 = "of_system = os.getpid()\nos.getpid = lambda: 1\n"
WAIT = 'os.kill(of_system, signal.SIGTERM)\nos.write(1, b"goes on")'


def in_container(body: str) -> subprocess.CompletedProcess[str]:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    script = BEGIN.replace("@command", f"{AS_PROCESS_1}\n@command")
    return subprocess.run(
        [sys.executable, "-c", f"{script}{lines}\n\nexit_with(main)\n"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command__as_process_1_ends_by_sigterm_before_its_server_listens_for_it() -> None:
    """The kernel keeps from process 1 what it has no handler for: the pod would be killed after its grace."""
    done = in_container(WAIT)
    assert (done.returncode, done.stdout, done.stderr) == (TERMINATED, "", "")
    assert TERMINATED == 143


def test_command__forked_from_process_1_ends_by_the_signal_itself() -> None:
    """As those expect it that end their own processes."""
    fork = "if not (pid := os.fork()):\n    os.getpid = lambda: 2\n"
    fork += "    signal.raise_signal(signal.SIGTERM)\n    os._exit(0)\n"
    done = in_container(fork + "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))")
    assert done.stdout == "-15\n"


def test_command__of_any_other_process_leaves_sigterm_alone() -> None:
    done = shell("print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)")
    assert done.stdout == "True\n"
