"""What a local run shows: each step as it begins, its progress, and a failed step's own traceback.

`kfp.local` prints everything a step prints, between lines of its own, to one stream. All of it is kept in a file;
shown is what a person waits for.
"""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BEGINS = re.compile(r"Executing task '([^']+)'")
_ENDS = re.compile(r"Task '([^']+)' finished with status (\w+)")
_TRACEBACK = "Traceback (most recent call last):"
_PROGRESS = re.compile(r"^\S.*\d+%\|")


class StepLog(io.TextIOBase):
    """Stands in for standard output while a pipeline runs.

    Args:
        path: The whole log goes there.
        terminal: What is shown goes there.

    Attributes:
        step: The step that began last.
        failed_step: The first step that failed, "" where none did.
        traceback: What it printed last of this kind; "" where nothing.
    """

    def __init__(self, path: Path, terminal: TextIO | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self._terminal = terminal or sys.__stdout__
        self._pending = ""
        self._traceback: list[str] = []
        self._traceback_indent = 0
        self._traceback_ended = False
        self._began = time.monotonic()
        self._previous: TextIO | None = None
        self.step = ""
        self.failed_step = ""
        self.traceback = ""

    @property
    def reason(self) -> str:
        """The last line of the traceback: what was wrong."""
        return self.traceback.rsplit("\n", 1)[-1]

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._file.write(text)
        *lines, self._pending = (self._pending + text).replace("\r", "\n").split("\n")
        for line in lines:
            self._show(_COLOUR.sub("", line).rstrip())
        return len(text)

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def __enter__(self) -> Self:
        self._previous, sys.stdout = sys.stdout, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.stdout = self._previous or sys.__stdout__
        self._file.close()

    def _show(self, line: str) -> None:
        text = line.lstrip()
        # Steps that ran side by side leave kfp's indentation deeper than before, so it is read, not assumed.
        indent = len(line) - len(text)
        if begins := _BEGINS.search(text):
            self.step = begins[1]
            self._print(f"[{time.monotonic() - self._began:6.1f} s] {self.step}")
        elif ends := _ENDS.search(text):
            if ends[2] != "SUCCESS":
                self._fail(ends[1])
        elif text == _TRACEBACK:
            self._traceback, self._traceback_indent, self._traceback_ended = [text], indent, False
        elif self._traceback and not self._traceback_ended:
            self._traceback.append(line[min(indent, self._traceback_indent) :])
            # The frames are indented; the first line that is not says what was wrong.
            self._traceback_ended = indent <= self._traceback_indent
        elif _PROGRESS.match(text):
            self._print(f"            {text}")

    def _fail(self, step: str) -> None:
        self._print(f"[{time.monotonic() - self._began:6.1f} s] {step} failed")
        if not self.failed_step:
            self.failed_step, self.traceback = step, "\n".join(self._traceback)

    def _print(self, line: str) -> None:
        if self._terminal is not None:
            self._terminal.write(line + "\n")
            self._terminal.flush()
