"""The benchmark of memory counts every process once, and fails where the command does."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest
import soundfile

from benchmarks import memory, process_memory

# A child holds 200 MB until its parent closes its input, and the parent does so when a file is there.
_CHILD = "import sys; held = b'x' * 200_000_000; sys.stdin.read()"
_PARENT = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {_CHILD!r}], stdin=subprocess.PIPE)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
child.communicate(b"")
"""


def test_measured__counts_the_processes_that_a_command_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look, seen = process_memory._look, tmp_path / "seen"

    def looking(root: psutil.Process, memory: process_memory.Memory) -> None:
        look(root, memory)
        if memory.peak_pss_bytes > 200_000_000:
            seen.touch()

    monkeypatch.setattr(process_memory, "_look", looking)
    measured = process_memory.run_measured([sys.executable, "-c", _PARENT, str(seen)])
    assert len(measured.peak_processes) == 2
    assert sum(measured.peak_processes) == measured.peak_pss_bytes


def test_measured__a_command_that_fails_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="out of order"):
        process_memory.run_measured([sys.executable, "-c", "import sys; sys.exit('out of order')"])


def test_recording__is_noise_every_so_often(tmp_path: Path) -> None:
    samples, rate_hz = soundfile.read(memory.write_noise(tmp_path / "long.flac", 6, noisy_s=3), dtype="int16")
    assert (rate_hz, len(samples)) == (48_000, 6 * 48_000)
    assert [bool(samples[i * rate_hz : (i + 1) * rate_hz].any()) for i in range(6)] == [True, False, False] * 2


def test_quick_run__measures_all_three_ways() -> None:
    results = memory.run(quick=True)
    assert [one.what.split(":")[0] for one in results] == [
        "memory of predict --bundle, WAV",
        "memory of predict --bundle, FLAC",
        "memory of batch_score, one worker, WAV and FLAC",
    ]
    assert all(one.value > 10 and one.unit == "MB" and not one.at_least for one in results)
    # The process that is asked, the one that forks, and the one that decodes.
    assert all(len(one.details["peak_processes"]) >= 3 for one in results)
