"""The file behind HAProxy's map: the share of new sessions, and the release that salts the draw."""

from __future__ import annotations

import re
from pathlib import Path

from serving.canary.haproxy_config import NO_RELEASE, RELEASE, SHARE, SHARE_MAP
from silencio.errors import RouteError
from silencio.storage import write_atomically

_HUNDREDTHS = 100
_NOT_IN_A_MAP = re.compile(r"[^A-Za-z0-9._:-]")


def hundredths_of(percent: float) -> int:
    """A share as the map has it.

    Raises:
        RouteError: It is no share, or has more than two decimals.
    """
    if 0 <= percent <= 100 and abs(round(percent, 2) - percent) <= 1e-9:
        return round(percent * _HUNDREDTHS)
    raise RouteError(f"the share {percent!r} is none: percent from 0 to 100 with at most two decimals")


def percent_of(entries: dict[str, str]) -> float:
    """The share in percent.

    Raises:
        RouteError: The map has none, or something else in its place.
    """
    text = entries.get(SHARE, "")
    if not (text.isascii() and text.isdecimal() and int(text) <= 100 * _HUNDREDTHS):
        raise RouteError(f"the map {SHARE_MAP} has no share: {text!r} where 0 to 10000 is expected")
    return int(text) / _HUNDREDTHS


def salt_of(release_id: str) -> str:
    """A release's id as a value of a map."""
    return _NOT_IN_A_MAP.sub("_", release_id) or NO_RELEASE


def write_share_map(folder: Path, hundredths: int, release: str) -> None:
    """What HAProxy reads when it starts."""
    write_atomically(folder / SHARE_MAP, f"{SHARE} {hundredths}\n{RELEASE} {release}\n")


def read_share_map(folder: Path) -> dict[str, str]:
    """What HAProxy would read; nothing where there is no file."""
    try:
        lines = (folder / SHARE_MAP).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise RouteError(f"{folder / SHARE_MAP} cannot be read ({type(error).__name__})") from error
    return dict(line.split(" ", 1) for line in lines if " " in line)
