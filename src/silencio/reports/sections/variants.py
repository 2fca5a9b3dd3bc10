"""The model's graph in 32-bit floats and in 8-bit integers."""

from __future__ import annotations

from silencio.reports.document import Column, Section, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Child, join
from silencio.reports.wording import percent


def variants(inputs: ReportInputs) -> Section | None:
    """Size, time and accuracy of both, and which one is released."""
    own = inputs.variants
    if not own:
        return None
    rows: list[list[Child]] = [
        [
            name,
            f"{own[name]['size_bytes'] / 1e6:.1f} MB",
            f"{own[name]['p50_ms']:.1f} ms",
            f"{own[name]['macro_map']:.3f}",
        ]
        for name in ("fp32", "int8")
        if name in own
    ]
    columns = [Column("variant"), Column("size", True), Column("time of one window", True)]
    columns += [Column("validation mean average precision", True)]
    agree = own.get("equal_top1_share")
    words = [f"Released: {'int8' if own.get('kept') else 'fp32'}."]
    words += [f"{own['reason'].rstrip('.')}."] if own.get("reason") else []
    words += (
        [f"Both name the same species first in {percent(agree)} of the validation windows."]
        if agree is not None
        else []
    )
    return Section("variants", "Variants", join(prose(" ".join(words)), table("fp32 and int8", columns, rows)))
