"""What a file's name says: whether it is a recording, and where and when that was made."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import PurePosixPath

AUDIO_SUFFIXES = (".ogg", ".wav", ".flac", ".mp3")
# BirdCLEF's soundscapes (H02_20230420_074000.ogg) and what AudioMoth and SongMeter write, with or without a site.
_RECORDER = re.compile(r"(?:(?P<site>.+)_)?(?P<date>\d{8})_(?P<time>\d{6})")


def is_audio(name: str) -> bool:
    """Whether it is a recording's name: one of `AUDIO_SUFFIXES`, and no hidden file."""
    return name.lower().endswith(AUDIO_SUFFIXES) and not any(part.startswith(".") for part in PurePosixPath(name).parts)


def site_and_time(name: str) -> tuple[str, str]:
    """Site and ISO 8601 time of `<site>_<yyyymmdd>_<hhmmss>.<suffix>`; texts are empty where the name says nothing.

    `train_soundscapes/H02_20230420_074000.ogg` gives `("H02", "2023-04-20T07:40:00")`, by the recorder's own clock.
    """
    match = _RECORDER.fullmatch(PurePosixPath(name).stem)
    if match is None:
        return "", ""
    try:
        when = datetime.strptime(match["date"] + match["time"], "%Y%m%d%H%M%S")
    except ValueError:
        return "", ""
    return match["site"] or "", when.isoformat()
