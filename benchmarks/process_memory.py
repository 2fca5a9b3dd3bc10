"""How much memory a command takes, with every process that it starts."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

# Often enough for blocks and windows; a reading walks the page tables and takes milliseconds itself.
_INTERVAL_S = 0.02


@dataclass
class Memory:
    """What a command and its descendants took.

    Attributes:
        peak_pss_bytes: Most at any one reading, summed over the processes. PSS: a page that several processes share is
            counted once in all, so the sum is what the machine has less while they run. The page cache is not in it.
        peak_processes: PSS of each process at that reading, bytes.
        n_readings: How often it was looked.
    """

    peak_pss_bytes: int = 0
    peak_processes: list[int] = field(default_factory=list)
    n_readings: int = 0


def run_measured(command: Sequence[str]) -> Memory:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed; the message has the end of what it wrote to stderr.
    """
    memory = Memory()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # noqa: S603
        root = psutil.Process(process.pid)
        while True:
            try:
                process.wait(_INTERVAL_S)
                break
            except subprocess.TimeoutExpired:
                _look([root], memory)
        assert process.stderr
        stderr = process.stderr.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {stderr[-2000:]}")
    return memory


@contextmanager
def watched(process_ids: Sequence[int]) -> Iterator[Memory]:
    """Watch processes that run, with all that they start, while the block lasts."""
    roots, memory, ended = [psutil.Process(one) for one in process_ids], Memory(), threading.Event()

    def watch() -> None:
        while not ended.wait(_INTERVAL_S):
            _look(roots, memory)

    _look(roots, memory)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()
        _look(roots, memory)


def _look(roots: Sequence[psutil.Process], memory: Memory) -> None:
    try:
        processes = [one for root in roots for one in (root, *root.children(recursive=True))]
    except psutil.NoSuchProcess:
        return
    pss = [_pss_bytes(one.pid) for one in processes]
    memory.n_readings += 1
    if sum(pss) > memory.peak_pss_bytes:
        memory.peak_pss_bytes, memory.peak_processes = sum(pss), pss


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0  # it has ended meanwhile
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)
