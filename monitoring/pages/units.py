"""Values as people read them, by Grafana's names of units."""

from __future__ import annotations

import math

from silencio.reports.wording import NOTHING, minus

_THIN = "\u202f"
_SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_IN_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "m": 60.0, "h": 3600.0, "d": 86400.0, "dtdurations": 1.0}
_BEHIND = {
    "reqps": "req/s",
    "ops": "/s",
    "cps": "/s",
    "wps": "/s",
    "rps": "/s",
    "iops": "/s",
    "percent": "%",
    "celsius": "°C",
    "watt": "W",
    "hertz": "Hz",
    "dB": "dB",
    "db": "dB",
    "Bps": "B/s",
    "binBps": "B/s",
}
_BYTES = {"bytes": 1024.0, "decbytes": 1000.0, "binBps": 1024.0, "Bps": 1000.0}


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """A value with its unit; no number is a dash.

    Args:
        value: The value.
        unit: Grafana's unit, such as `s`, `percentunit`, `bytes`; one that is not known is left out.
        decimals: Digits behind the point; None: three digits that count.
    """
    if not math.isfinite(value):
        return NOTHING
    if unit in _IN_SECONDS:
        return minus(_span(value * _IN_SECONDS[unit], decimals))
    if unit == "percentunit":
        return minus(f"{_number(100 * value, decimals)}{_THIN}%")
    if unit in _BYTES:
        return minus(_bytes(value, _BYTES[unit], decimals) + ("/s" if unit.endswith("Bps") else ""))
    behind = _BEHIND.get(unit)
    return minus(_number(value, decimals) + ("" if behind is None else _THIN + behind))


def unit_name(unit: str) -> str:
    """The unit for an axis; empty for a bare number."""
    if unit in _IN_SECONDS:
        return "time"
    if unit == "percentunit":
        return "%"
    return "bytes" if unit in _BYTES else _BEHIND.get(unit, "")


def _span(seconds: float, decimals: int | None) -> str:
    if seconds == 0:
        return f"0{_THIN}s"
    length_s, name = next((one for one in _SPANS if abs(seconds) >= one[0]), _SPANS[-1])
    return f"{_number(seconds / length_s, decimals)}{_THIN}{name}"


def _bytes(value: float, base: float, decimals: int | None) -> str:
    names = ("B", "KiB", "MiB", "GiB", "TiB") if base == 1024 else ("B", "kB", "MB", "GB", "TB")
    power = 0 if abs(value) < 1 else min(len(names) - 1, int(math.log(abs(value), base)))
    return f"{_number(value / base**power, decimals)}{_THIN}{names[power]}"


def _number(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1e}"
