"""Time and memory of the verdicts of a reserve's months, day by day, as they are run."""

from __future__ import annotations

import resource
import time
from datetime import date, timedelta
from typing import Any

from benchmarks.drift.log_rows import rows_of
from benchmarks.drift.reserve import Reserve
from benchmarks.drift.world import World
from silencio.drift import DriftPolicy, field_reference, site_verdict
from silencio.drift.document import SiteVerdict

N_MONTHS = (1, 2, 3, 6)
_DAYS = 30


def cost_of_months() -> dict[str, Any]:
    """Seconds of the processor by months, and peak memory: a reserve of ten devices, one minute in ten.

    Rows of a day are made before its clock starts; the reference is frozen once, of the first eleven days' rows.
    """
    policy, reserve = DriftPolicy.shipped(), Reserve(World(), 4001)
    rows = rows_of(reserve.recordings(range(11)))
    began_s = time.process_time()
    reference = field_reference(rows, site_id="made-up", policy=policy)
    spent_s, n_windows = time.process_time() - began_s, len(rows)
    freeze_s = spent_s
    del rows
    history: dict[date, SiteVerdict] = {}
    months: dict[str, dict[str, float]] = {}
    for number in range(11, max(N_MONTHS) * _DAYS):
        rows, day = rows_of(reserve.recordings([number])), reserve.first + timedelta(days=number)
        n_windows += len(rows)
        began_s = time.process_time()
        history[day] = site_verdict(
            rows, site_id="made-up", day=day, reference=reference, policy=policy, history=history
        )
        spent_s += time.process_time() - began_s
        if (number + 1) % _DAYS == 0 and (number + 1) // _DAYS in N_MONTHS:
            months[str((number + 1) // _DAYS)] = {
                "n_windows": n_windows,
                "processor_s": round(spent_s, 1),
                "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
            }
    return {"freeze_s": round(freeze_s, 1), "months": months}
