"""Windows that are like their period: those whose sound is nearest to the median of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.drift.log_rows import recorded_on
from monitoring.drift.pages.facts import TypicalWindow, WindowPair
from monitoring.drift.sounds import WindowSound
from silencio.audio import SPECTRAL_STATISTICS
from silencio.prediction_log import answered

_LEVEL = "rms_db"
_SNR = "snr_db"
SIGNALS = (_LEVEL, _SNR, *SPECTRAL_STATISTICS)
_OF_LOG = ("device_id", "recorded_at", "recording_sha256", "start_s", *SIGNALS)
# `code`: the species that is named with the highest probability; null where none is.
CODE = "code"
COLUMNS = (*_OF_LOG, CODE)
# So many of a device are kept with a reference, and as many in which something is named: of them a folder of recordings
# may have one.
N_CANDIDATES = 60
_N_SHOWN, _MAX_DEVICES = 2, 3
# Of a site's page, before and after.
MAX_SHOWN = 2 * _N_SHOWN * _MAX_DEVICES


def candidates(rows: pa.Table, site_id: str, days: Sequence[date]) -> pa.Table:
    """The most typical windows of each device of a site, most typical first.

    Args:
        rows: Rows of the log.
        site_id: The site; a row without one is its key's, as in `silencio.drift`.
        days: From the first to the last of these, by the sun at the site.

    Returns:
        `COLUMNS`.
    """
    rows = answered(rows)
    known = pc.and_(pc.is_valid(rows["recording_sha256"]), pc.invert(pc.fill_null(rows["shadow"], False)))
    site = pc.coalesce(rows["site_id"], rows["key_name"], pa.scalar("unknown"))
    rows = rows.filter(pc.and_(known, pc.equal(site, site_id)))
    rows = recorded_on(rows, min(days), max(days))
    moments = pc.coalesce(rows["recorded_at"], rows["received_at"])
    rows = rows.set_column(rows.column_names.index("recorded_at"), "recorded_at", moments)
    devices = pc.fill_null(rows["device_id"], "unknown")
    rows = rows.set_column(rows.column_names.index("device_id"), "device_id", devices)
    rows = rows.select([*_OF_LOG, "top_codes", "detected_codes"])
    tables = [_nearest(rows.filter(pc.equal(rows["device_id"], name))) for name in pc.unique(devices).to_pylist()]
    return pa.concat_tables(tables) if tables else _nearest(rows)


def window_pairs(before: pa.Table, after: pa.Table, devices: Sequence[str], sound: WindowSound) -> list[WindowPair]:
    """Typical windows of devices in the reference and on the day, with their sound where it is at hand.

    Args:
        before: As `candidates` gives them, of the reference.
        after: The same of the day.
        devices: Those that changed first; of the first few there are pictures.
        sound: Of windows.
    """
    wanted = set(before["recording_sha256"].to_pylist()) | set(after["recording_sha256"].to_pylist())
    known = sound.folder.known(wanted)
    pairs = [
        WindowPair(
            device_id=device,
            before=_windows(before, device, known, sound),
            after=_windows(after, device, known, sound),
        )
        for device in devices[:_MAX_DEVICES]
    ]
    return [one for one in pairs if one.before or one.after]


def _nearest(rows: pa.Table) -> pa.Table:
    signals = [pc.fill_null(rows[name], np.nan).to_numpy().astype(np.float64) for name in SIGNALS]
    order = nearest_to_median(signals)
    is_named = pc.fill_null(pc.list_value_length(rows["detected_codes"]), 0).to_numpy()[order] > 0
    kept = is_named & (np.cumsum(is_named) <= N_CANDIDATES)
    kept[:N_CANDIDATES] = True
    rows = rows.take(pa.array(order[kept]))
    lists = zip(rows["top_codes"].to_pylist(), rows["detected_codes"].to_pylist(), strict=True)
    codes = [next((code for code in top or () if code in (detected or ())), None) for top, detected in lists]
    return rows.select(_OF_LOG).append_column(CODE, pa.array(codes, pa.string()))


def nearest_to_median(signals: Sequence[NDArray[np.float64]]) -> NDArray[np.intp]:
    """Rows in the order of their distance from the median of all, in median absolute deviations.

    Args:
        signals: Each (n_rows,); what is no number counts as the median.

    Returns:
        Indices, shape (n_rows,).
    """
    distance = np.zeros(len(signals[0]))
    for values in signals:
        if np.isfinite(values).any():
            away = np.abs(values - np.nanmedian(values))
            distance += np.nan_to_num(away / max(float(np.nanmedian(away)), 1e-6))
    return np.argsort(distance, kind="stable")


def _windows(table: pa.Table, device: str, known: set[str], sound: WindowSound) -> list[TypicalWindow]:
    """Of those whose recording is at hand the most typical; without any, the most typical by its numbers alone."""
    rows = table.filter(pc.equal(table["device_id"], device)).to_pylist()
    at_hand = [row for row in rows if row["recording_sha256"] in known]
    shown = at_hand[:_N_SHOWN] or rows[:1]
    return [_window(row, sound) for row in shown]


def _window(row: dict[str, Any], sound: WindowSound) -> TypicalWindow:
    waveform = sound.folder.window(row["recording_sha256"], row["start_s"], sound.spec)
    return TypicalWindow(
        device_id=row["device_id"],
        recorded_at=f"{row['recorded_at']:%Y-%m-%d %H:%M} UTC",
        recording_sha256=row["recording_sha256"],
        start_s=row["start_s"],
        facts=_facts(row),
        waveform=waveform,
        explained=None if waveform is None or sound.explainer is None else sound.explainer.explain(waveform),
    )


def _facts(row: dict[str, float | None]) -> str:
    names = (("level", _LEVEL, "dB"), ("SNR", _SNR, "dB"), ("rolloff", "rolloff_hz", "Hz"))
    found = [f"{name} {row[key]:.0f} {unit}" for name, key, unit in names if row[key] is not None]
    text = ", ".join(found)
    return f"{text[:1].upper()}{text[1:]}." if text else "Its sound was not measured."
