"""The committed configuration in another time: every duration divided by one `time_scale`, for a month in minutes.

    python -m monitoring.prometheus.scaled --time_scale 2160 --out FOLDER

A month of events that passes in twenty minutes has 2,160 seconds of events in each second of the clock. Windows, `for`,
offsets, intervals and ages shrink by that factor, and nothing else: shares, counts and the latency that people wait are
the same. Hours of the day are written as `time() % (24 * 3600)` in the rules, so that they shrink as well.

Prometheus cannot scrape as often as that would need. Intervals have a floor, and what is computed from samples has one
that follows: a window holds at least four scrapes, and an alert that waits, waits one evaluation. At a high scale the
short windows are therefore the same, and tell less apart than they do at 1. Nor can a few made-up users send what a
reserve's visitors do in a month: the floor of requests, below which no share counts, is a number of its own.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from silencio.errors import ConfigError

MONITORING = Path(__file__).parents[1]
# All that is rendered, by its place below monitoring/.
FILES = ("prometheus/prometheus.yml", "prometheus/rules/*.yml", "alertmanager/alertmanager.yml")
_SCRAPES_PER_WINDOW = 4

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
# `[1h]`, and `[1h:5m]` of a subquery.
_WINDOW = re.compile(rf"\[({_DURATION})(?::({_DURATION})?)?\]")
_OFFSET = re.compile(rf"(?<=\boffset )({_DURATION})\b")
_FOR = re.compile(rf"(?<=\bfor: )({_DURATION})\b")
_INTERVAL = re.compile(rf"(?<=\b)((?:\w+_)?interval|group_wait|scrape_timeout)(: )({_DURATION})\b")
# The rules' floor of requests; no other limit of theirs is 50 and exceeded.
MIN_REQUESTS = 50
_FLOOR = re.compile(rf"(?<=[^>=<-])> {MIN_REQUESTS}\b(?![.])")
# Ages and hours of the day in an expression: `26 * 3600`, `14 * 86400`.
_AGE = re.compile(r"\b(\d+(?:\.\d+)?) \* (3600|86400)\b")


def scaled(text: str, time_scale: float, scrape_interval_s: float = 1.0, min_requests: int = MIN_REQUESTS) -> str:
    """A file of Prometheus or Alertmanager in another time.

    Args:
        text: Its YAML.
        time_scale: Seconds of events in one second of the clock; 1 gives the text back as it is.
        scrape_interval_s: Seconds between scrapes, and between evaluations, at least.
        min_requests: Requests that a window has to hold before its shares count: fewer, where users are few.

    Returns:
        The YAML with its comments; every duration is at least a millisecond, which is Prometheus' smallest.

    Raises:
        ConfigError: The scale is below 1, or the interval is not above 0.
    """
    if not time_scale >= 1:
        raise ConfigError(
            f"time_scale is {time_scale:g}: a month can pass faster than it does, not slower; give 1 or more"
        )
    if not scrape_interval_s > 0:
        raise ConfigError(f"scrape_interval_s is {scrape_interval_s:g}: give seconds above 0")
    if min_requests < 1:
        raise ConfigError(f"min_requests is {min_requests}: give 1 or more")
    text = _FLOOR.sub(f"> {min_requests}", text)
    if time_scale == 1:
        return text

    def shrunk(duration: str, min_s: float = 0.001) -> str:
        return written(max(seconds(duration) / time_scale, min_s))

    min_window_s = _SCRAPES_PER_WINDOW * scrape_interval_s

    def window(found: re.Match[str]) -> str:
        step = f":{shrunk(found[2], scrape_interval_s) if found[2] else ''}" if ":" in found[0] else ""
        return f"[{shrunk(found[1], min_window_s)}{step}]"

    def age(found: re.Match[str]) -> str:
        return f"{float(found[1]) / time_scale:.12g} * {found[2]}"

    substitutions: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
        (_WINDOW, window),
        (_OFFSET, lambda found: shrunk(found[1])),
        (_FOR, lambda found: shrunk(found[1], scrape_interval_s)),
        (_INTERVAL, lambda found: f"{found[1]}{found[2]}{shrunk(found[3], scrape_interval_s)}"),
        (_AGE, age),
    )
    for pattern, substitute in substitutions:
        text = pattern.sub(substitute, text)
    return text


def seconds(duration: str) -> float:
    """A duration of Prometheus in seconds.

    Args:
        duration: As `1h30m`.

    Raises:
        ConfigError: It is none.
    """
    if re.fullmatch(_DURATION, duration) is None:
        raise ConfigError(f"{duration!r} is no duration of Prometheus: write it as 90s, 5m or 1h30m")
    return sum(int(n) * _UNITS_S[unit] for n, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def written(duration_s: float) -> str:
    """Seconds as a duration of Prometheus, in whole milliseconds.

    Args:
        duration_s: Seconds.
    """
    n_ms = max(1, round(duration_s * 1000))
    return f"{n_ms // 1000}s" if n_ms % 1000 == 0 else f"{n_ms}ms"


def write_scaled(
    folder: Path, time_scale: float, scrape_interval_s: float = 1.0, min_requests: int = MIN_REQUESTS
) -> list[Path]:
    """Render everything into a folder, by its place below `monitoring/`.

    Args:
        folder: The folder; it is made.
        time_scale: Seconds of events in one second of the clock.
        scrape_interval_s: Seconds between scrapes at least.
        min_requests: Requests that a window has to hold before its shares count.

    Returns:
        The files.

    Raises:
        ConfigError: The scale or the interval cannot be.
    """
    made = []
    for pattern in FILES:
        for source in sorted(MONITORING.glob(pattern)):
            path = folder / source.relative_to(MONITORING)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = scaled(source.read_text(encoding="utf-8"), time_scale, scrape_interval_s, min_requests)
            path.write_text(text, encoding="utf-8")
            made.append(path)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the rendered files; a scale that cannot be is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.prometheus.scaled", description=main.__doc__)
    parser.add_argument("--time_scale", type=float, required=True, help="seconds of events in one second of the clock")
    parser.add_argument("--scrape_interval_s", type=float, default=1.0, help="seconds between scrapes at least (1)")
    parser.add_argument(
        "--min_requests",
        type=int,
        default=MIN_REQUESTS,
        help=f"requests of a window before shares count ({MIN_REQUESTS})",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the rendered files")
    options = parser.parse_args(arguments)
    try:
        made = write_scaled(options.out, options.time_scale, options.scrape_interval_s, options.min_requests)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{path}\n" for path in made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
