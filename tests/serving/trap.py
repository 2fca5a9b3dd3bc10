"""A trap for decoders: one that opens a recording of a rate of its own stands still until it is let go or killed.

It is set in servers that start after `set_trap`, by a module that Python runs when an interpreter starts, in the fork
server of the decoders too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import until

# Recorded at this rate, a file is a trap.
TRAP_HZ = 44_057
_DISARMED = "disarmed"
_SITECUSTOMIZE = f"""
import os, signal
from pathlib import Path
import soundfile

_open = soundfile.SoundFile.__init__

def _opened(self, *args, **more):
    _open(self, *args, **more)
    mine = Path(os.environ["TRAPPED"], str(os.getpid()))
    if self.samplerate == {TRAP_HZ} and not mine.exists() and not mine.with_name("{_DISARMED}").exists():
        mine.touch()
        os.kill(os.getpid(), signal.SIGSTOP)

soundfile.SoundFile.__init__ = _opened
"""


class Trap:
    """Which decoders stand in it.

    Args:
        folder: A file in it is named like each decoder that opened such a recording.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def caught(self) -> list[int]:
        """Processes that were caught, in the order of their numbers."""
        return sorted(int(one.name) for one in self._folder.iterdir() if one.name != _DISARMED)

    def wait(self, what: Callable[[], object]) -> int:
        """The first process that is caught, as soon as it stands."""
        return until(lambda: self.caught, what)[0]

    def rearm(self) -> None:
        """Catch those once more that were let go: nobody may stand in it now."""
        for pid in self.caught:
            (self._folder / str(pid)).unlink()

    def disarm(self) -> None:
        """Catch nobody any more."""
        (self._folder / _DISARMED).touch()

    @staticmethod
    def let_go(pid: int) -> None:
        """It goes on with its work."""
        until(lambda: _is_stopped(pid), f"process {pid} stands still")
        os.kill(pid, signal.SIGCONT)

    @staticmethod
    def kill(pid: int) -> None:
        """It dies as of a broken pointer."""
        os.kill(pid, signal.SIGSEGV)
        Trap.let_go(pid)


def set_trap(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Trap:
    """For servers that start from now on."""
    code, caught = folder / "code", folder / "trapped"
    code.mkdir()
    caught.mkdir()
    (code / "sitecustomize.py").write_text(_SITECUSTOMIZE)
    monkeypatch.setenv("PYTHONPATH", str(code), prepend=os.pathsep)
    monkeypatch.setenv("TRAPPED", str(caught))
    return Trap(caught)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
