"""How processes end that read Parquet: a reader's threads may abort the interpreter after all of its work is done.

The steps are `validate` and `split` on a small source, in one process.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.proofs.units import Units
from benchmarks.recordings import write_reserve

_AT_ONCE = 50
_READERS = {
    "pandas": "import pandas as pd\ndef work(): pd.read_parquet('table')",
    "pyarrow, an open file": """
import pyarrow.parquet as pq
def work():
    with open("table", "rb") as file:
        pq.read_table(file)
""",
    "read_frame": "from silencio.data.frames import read_frame\ndef work(): read_frame('table')",
    "read_parquet": "from silencio.storage.parquet import read_parquet\ndef work(): read_parquet('table')",
    "steps": """
from silencio.data.config import DataConfig
from pathlib import Path
from silencio.steps import split, validate
def work():
    places = [Path(name) for name in ("usable", "faults", "page.html")]
    validate.run(validate.Inputs(Path("recordings")), validate.Outputs(*places))
    places = [Path(name) for name in ("assignment", "split_history", "report.html")]
    split.run(split.Inputs(DataConfig(), Path("usable")), split.Outputs(*places))
""",
}
# How many processes end in each way.
_PLAN = {"pyarrow, an open file": 300, "read_parquet": 600, "read_frame": 400, "pandas": 300, "steps": 200}


def prove(units: Units) -> dict[str, Any]:
    """For each way of reading: how many processes ended, and how many of them were killed by which signal."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="silencio-process-ends-") as folder:
        _write_inputs(Path(folder))
        for reader, n_ends in _PLAN.items():
            ended: Counter[str] = Counter()
            for unit in range(n_ends // _AT_ONCE):
                name = f"{reader.replace(', ', '-').replace(' ', '-').replace('_', '-')}-{unit}"
                ended.update(units.do(name, partial(_ends, reader, Path(folder))))
                sys.stderr.write(f"{reader}: {dict(ended)}\n")
            failed = {status: n for status, n in ended.items() if status != "0"}
            found[reader] = {"n_ends": ended.total(), "n_failed": sum(failed.values()), "by_status": failed}
    return found


def _write_inputs(folder: Path) -> None:
    n_rows = 500
    pd.DataFrame(
        {
            "recording_id": [f"frog/{row}.ogg" for row in range(n_rows)],
            "secondary_labels": [["owl", "bee"]] * n_rows,
            "duration_s": [row / 7 for row in range(n_rows)],
            "split": ["train"] * n_rows,
        }
    ).to_parquet(folder / "table", index=False)
    reserve = write_reserve(folder / "reserve", 24, 4)
    ingest = """
import sys
from silencio.data.birdclef import read_birdclef
from silencio.data.recordings import write_recordings
from pathlib import Path
write_recordings(read_birdclef(Path(sys.argv[1])).recordings, Path("recordings"))
"""
    subprocess.run([sys.executable, "-c", ingest, str(reserve)], cwd=folder, check=True)  # noqa: S603  # our own


def _ends(reader: str, folder: Path) -> dict[str, int]:
    """How `_AT_ONCE` processes ended: `0`, or the name of a signal, or a status."""
    command = [sys.executable, "-c", f"{_READERS[reader]}\nwork()"]
    ended: Counter[str] = Counter()
    for _ in range(_AT_ONCE):
        status = subprocess.run(command, cwd=folder, capture_output=True).returncode  # noqa: S603  # our own
        ended[signal.Signals(-status).name if status < 0 else str(status)] += 1
    return dict(ended)
