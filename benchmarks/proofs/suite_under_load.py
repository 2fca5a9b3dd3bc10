"""The default suite beside four busy loops: no test's outcome depends on speed.

A unit is one folder of tests, or one room of `tests/unit`: `make proofs suite-under-load` goes on where it was stopped.
`SILENCIO_PROOF_TESTS` names the folders to run, such as `tests/unit/audio`; without it all are.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.proofs.units import Units

N_BUSY = 4
_ROOT = Path(__file__).resolve().parents[2]
_BUSY = "while True:\n pass"
# As `make test` does: two tests at once, beside the loops.
_TOGETHER = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
_OUTCOMES = ("tests", "failures", "errors", "skipped")


def prove(units: Units) -> dict[str, Any]:
    """By folder: how many tests ran, failed, could not run and were skipped, and which failed."""
    found = {}
    for folder in _folders():
        found[folder] = units.do(folder.replace("/", "-"), partial(_run, folder))
        sys.stderr.write(f"{folder}: {found[folder]}\n")
    total = {name: sum(one[name] for one in found.values()) for name in _OUTCOMES}
    return {"n_busy_loops": N_BUSY, "total": total, "by_folder": found}


def _folders() -> list[str]:
    if chosen := os.environ.get("SILENCIO_PROOF_TESTS"):
        return chosen.split()
    tests = _ROOT / "tests"
    rooms = [*(tests / "unit").iterdir(), *(one for one in tests.iterdir() if one.name != "unit")]
    # Single files of a room that has folders are units as well.
    return sorted(
        str(one.relative_to(_ROOT))
        for one in rooms
        if (one.is_dir() and any(one.rglob("test_*.py"))) or one.match("test_*.py")
    )


def _run(folder: str) -> dict[str, Any]:
    with _busy_loops(), TemporaryDirectory(prefix="silencio-suite-") as place:
        report = Path(place) / "report.xml"
        subprocess.run(  # noqa: S603  # our own tests
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                folder,
                *_TOGETHER,
                f"--junitxml={report}",
                f"--basetemp={place}/tests",
            ],
            cwd=_ROOT,
            env={**os.environ, "SILENCIO_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdout=sys.stderr,
            check=False,
        )
        (suite,) = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314  # pytest wrote it
    failed = [
        f"{case.get('classname')}.{case.get('name')}"
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    return {**{name: int(suite.get(name, 0)) for name in _OUTCOMES}, "failed": failed}


@contextlib.contextmanager
def _busy_loops() -> Iterator[None]:
    """As much other work as there may be: `N_BUSY` processes that never wait."""
    loops = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(N_BUSY)]  # noqa: S603  # two lines of our own
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
