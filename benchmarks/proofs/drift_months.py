"""What `silencio drift run` takes over months of a reserve, day by day, reading of the log and pages included.

Ten devices record one minute in ten: 518,400 windows a month, in as many files as a server writes. All days are run in
one process of the environment `monitor` where there is one, so that Evidently's pages are made, with one thread.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.drift.month_log import DAYS_A_MONTH, FILES_A_DAY, write_log
from benchmarks.proofs.units import Units
from silencio.reports.figures import curve
from silencio.storage.atomic import write_atomically

N_MONTHS = 3
WINDOWS_A_MONTH = 518_400
_ROOT = Path(__file__).resolve().parents[2]
# Of a picture that stands alone: the page's own colours are not there.
_STYLE = "<style>.grid{stroke:#ddd}.line{fill:none;stroke:#1f5f8b;stroke-width:2}.dot{fill:#1f5f8b}</style>"
_MONITOR = _ROOT / ".venv-monitor" / "bin" / "python"


def prove(units: Units) -> dict[str, Any]:
    """Seconds and memory by months."""
    found: dict[str, Any] = units.do("months", lambda: _runs(units.folder))
    return {"windows_a_month": WINDOWS_A_MONTH, "files_a_day": FILES_A_DAY, **found}


def _runs(folder: Path) -> Any:
    log, place = folder / "log", folder / "place"
    write_log(log, N_MONTHS * DAYS_A_MONTH)
    shutil.rmtree(place, ignore_errors=True)
    python = str(_MONITOR) if _MONITOR.is_file() else sys.executable
    command = [python, "-m", "benchmarks.drift.month_log", str(log), str(place), str(N_MONTHS)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603
    return json.loads(done.stdout)


def write_pictures(result: dict[str, Any], folder: Path) -> None:
    """Time and memory against months.

    Args:
        result: As `prove` returns it.
        folder: Gets `seconds.svg` and `memory.svg`.
    """
    for name, key, words in (("seconds", "wall_s", "seconds so far"), ("memory", "peak_memory_mb", "most memory, MB")):
        svg = str(curve([float(one[key]) for one in result["months"].values()], "months", words))
        text = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1)
        write_atomically(folder / f"{name}.svg", text.replace(">", f">{_STYLE}", 1))
