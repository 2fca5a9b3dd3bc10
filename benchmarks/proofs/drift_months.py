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

N_MONTHS = 3
WINDOWS_A_MONTH = 518_400
_ROOT = Path(__file__).resolve().parents[2]
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


def picture(result: dict[str, Any], png: Path) -> None:
    """Time and memory against months.

    Args:
        result: As `prove` returns it.
        png: Gets the plot.
    """
    from matplotlib.figure import Figure

    months = [0, *map(int, result["months"])]
    figure = Figure(figsize=(8, 3), dpi=120, layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    for name, label in (("wall_s", "by the clock"), ("processor_s", "of the processor")):
        seconds.plot(months, [0, *(one[name] for one in result["months"].values())], "o-", label=label)
    seconds.axline((0, 0), slope=300, color="grey", linestyle="--", label="wanted: at most 5 minutes a month")
    seconds.set(xlabel="months", ylabel="seconds", xlim=(0, None), ylim=(0, 300 * months[-1]))
    seconds.legend(fontsize="small", loc="upper left")
    memory.plot(months[1:], [one["peak_memory_mb"] for one in result["months"].values()], "o-")
    memory.set(xlabel="months", ylabel="most memory, MB", xlim=(0, None), ylim=(0, 4000))
    memory.set_title("wanted: at most 4,000 MB", fontsize="small")
    for axes in (seconds, memory):
        axes.set_xticks(months)
        axes.spines[["top", "right"]].set_visible(False)
    png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(png)
