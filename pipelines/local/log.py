"""What a local run shows: each step as it begins, its progress, and in the end how long each took.

Everything that steps and `kfp.local` print is kept in a file; shown is what a person waits for.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

# A bar has no end of line: what a step logs or warns of meanwhile follows in the same one.
_PROGRESS = re.compile(r"^(?P<bar>\S.*?\d+%\|[^|]*\|[^\[]*\[[^\]]*\])(?P<more>.*)$")


@dataclass(frozen=True)
class StepTime:
    """How long a step took.

    Attributes:
        step: Its name in the graph; a loop's step has one entry for each item.
        seconds: How long its process ran.
        taken_up: It ran in an earlier start of the same run.
    """

    step: str
    seconds: float
    taken_up: bool


class StepLog(io.TextIOBase):
    """Stands in for standard output while a pipeline runs.

    Args:
        path: The whole log goes there.
        terminal: What is shown goes there.
        continues: Keep what an earlier start wrote.

    Attributes:
        path: The file of the whole log.
        times: Seconds of the steps that ended well, in the order in which they ended.
        running: Steps that began and have not ended.
    """

    def __init__(self, path: Path, terminal: TextIO | None = None, *, continues: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab" if continues else "wb", buffering=0)
        self._terminal = terminal or sys.__stdout__
        self._lock = threading.Lock()
        self.path = path
        self._began = time.monotonic()
        self._previous: TextIO | None = None
        self.times: list[StepTime] = []
        self.running: list[str] = []

    def note(self, line: str) -> None:
        """Something about the run as a whole."""
        self._show(line)

    def began(self, step: str, why: str = "") -> None:
        """A step's process is about to start; `why`, where it has run before."""
        self.running.append(step)
        self._show(f"{self._clock()} {step}{f': {why}' if why else ''}")

    def ended(self, step: str, seconds: float) -> None:
        """A step ended well."""
        self.running.remove(step)
        self.times.append(StepTime(step, seconds, taken_up=False))

    def taken_up(self, step: str, seconds: float, ended_at: float) -> None:
        """A step need not run: it did, in an earlier start."""
        self.times.append(StepTime(step, seconds, taken_up=True))
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ended_at))
        self._show(f"{self._clock()} {step}: taken up, done {when} in {seconds:.1f} s")

    def failed(self, step: str) -> None:
        """A step failed."""
        if step in self.running:
            self.running.remove(step)
        self._show(f"{self._clock()} {step} failed")

    def output(self, line: str) -> None:
        """A line that a step printed."""
        found = _PROGRESS.match(line)
        if found is None:
            self._keep(f"    {line}\n")
            return
        self._keep(f"    {found['bar']}\n" + (f"    {found['more'].strip()}\n" if found["more"].strip() else ""))
        self._print(f"            {found['bar']}")

    @contextlib.contextmanager
    def of_loggers(self) -> Iterator[None]:
        """Keep what `kfp.local` and libraries say by their loggers; none of it is shown."""
        handler, root = logging.StreamHandler(self), logging.getLogger()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers, level = root.handlers, root.level
        root.handlers, root.level = [handler], logging.INFO
        try:
            yield
        finally:
            root.handlers, root.level = handlers, level

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._keep(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def __enter__(self) -> Self:
        self._previous, sys.stdout = sys.stdout, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.stdout = self._previous or sys.__stdout__
        with self._lock:
            self._file.close()

    def _clock(self) -> str:
        return f"[{time.monotonic() - self._began:6.1f} s]"

    def _show(self, line: str) -> None:
        self._keep(f"{line}\n")
        self._print(line)

    def _keep(self, text: str) -> None:
        # A full disk is for the step to report that it stops.
        with self._lock, contextlib.suppress(OSError):
            self._file.write(text.encode())

    def _print(self, line: str) -> None:
        if self._terminal is not None:
            self._terminal.write(line + "\n")
            self._terminal.flush()
