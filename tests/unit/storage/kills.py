"""Kill a process before every operation on files that some code does, one kill a process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator


def killed_before_every_operation(prepare: Callable[[], None], work: Callable[[], None]) -> Iterator[int]:
    """Run `work` again and again, each time killed one operation later, until it ends by itself.

    Args:
        prepare: Before each run.
        work: What is killed.

    Yields:
        Before which operation it was killed, after each kill.
    """
    for operation in range(1, 1_000):
        prepare()
        child = os.fork()
        if child == 0:
            _run_until(operation, work)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        yield operation
    raise AssertionError("it never ended by itself")


def _run_until(operation: int, work: Callable[[], None]) -> None:
    """Does not return."""
    n_operations = 0

    def count(event: str, _: object) -> None:
        # What Python is about to do: open, os.mkdir, os.rename, os.rmdir, shutil.rmtree, a call into libc and the like.
        nonlocal n_operations
        if event == "open" or event.startswith(("os.", "shutil.", "ctypes.")):
            n_operations += 1
            if n_operations == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        sys.addaudithook(count)
        work()
        code = 0
    finally:
        os._exit(code)
