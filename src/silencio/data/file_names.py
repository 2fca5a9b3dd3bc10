"""What a file's name says: whether it is a recording, and where and when that was made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath

from silencio.storage import StoredObject, is_of_system

# What recorders, phones and field programs write and libsndfile decodes, whatever is in it.
AUDIO_SUFFIXES = (
    ".ogg",
    ".oga",
    ".opus",
    ".wav",
    ".wave",
    ".bwf",
    ".rf64",
    ".w64",
    ".flac",
    ".mp3",
    ".aiff",
    ".aif",
    ".aifc",
    ".caf",
    ".au",
)
AUDIO_KINDS = "OGG, Opus, WAV, FLAC, MP3, AIFF"  # for messages: those that people know
_SEPARATOR = re.compile(r"[/\\]")

_DATE = r"(?P<date>\d{8}|\d{4}-\d{2}-\d{2})"
_TIME = r"(?P<time>\d{6}|\d{2}(?P<sep>[-._:])\d{2}(?:(?P=sep)\d{2})?)(?:[_.]\d{3})?"  # milliseconds: Song Meter's _000
_ZONE = r"(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)"
_RECORDER = re.compile(
    # H02_20230420_074000 (BirdCLEF, Song Meter), 20230420_074000 and 20230420_074000T (AudioMoth; T: by a trigger),
    # SITE_20160506$175304 (SM3, SM4 with GPS), 2018-06-14 20-45-10 (Anabat), Swift_2015-09-13_22.15.10_Z
    rf"(?:(?P<site>.+)[-_ ])?{_DATE}(?P<between>[_T $-]|-birdnet-(?:RTSP_\d+-)?){_TIME}T?(?:[_ ]?{_ZONE})?"
    # 20201107T000000+1100_REC_-30.1228+145.4222, 20220101T013458+1000_REC [-27.48 152.9] (Frontier Labs)
    r"(?:_REC)?(?:[_ ]\[?[+-]\d{1,2}(?:\.\d+)?[ ]?[+-]?\d{1,3}(?:\.\d+)?\]?)?",
    re.ASCII,
)
# S20240815T084500+1000_E20240815T085500+1000_-27.4+152.9 (Frontier Labs from 2024 on): from start to end.
_FROM_TO = re.compile(rf"S(?P<start>\d{{8}}T\d{{6}}.*)_E\d{{8}}T\d{{6}}(?:\.\d+)?{_ZONE}?(?P<rest>.*)", re.ASCII)
# 671658.180324033000 (SoundTrap): serial number and yymmddhhmmss.
_SERIAL_AND_TIME = re.compile(r"(?P<site>\d+)\.(?P<time>\d{12})", re.ASCII)
# 5CE0A1B2 (AudioMoth before 1.2): seconds since 1970 in hexadecimal. One letter at least: digits alone are catalogue
# numbers.
_HEXADECIMAL = re.compile(r"(?=.*[A-F])[0-9A-F]{8}", re.ASCII)
_AUDIOMOTH_YEARS = range(2017, 2036)
# Clips that BirdNET-Go cuts out: cardinalis_cardinalis_95p_20240420T074000Z. A species and a share are no site.
_CLIP = re.compile(r".+_\d{1,3}p")


def is_audio(name: str) -> bool:
    """Whether it is a recording's name: one of `AUDIO_SUFFIXES`, not hidden, in no folder of an operating system.

    Args:
        name: Name of the file, with the folders between it and the place that was named, or without.
    """
    is_hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
    return name.lower().endswith(AUDIO_SUFFIXES) and not is_hidden and not is_of_system(name)


def names_below(root: str, files: Iterable[StoredObject]) -> dict[str, str]:
    """Files by their name below a place, folders separated by `/`, each with its URI.

    A backslash separates too, where tools of Windows left one in a name of S3, or a zip was unpacked on Linux.
    """
    uris = {file.uri.removeprefix(root).lstrip("/"): file.uri for file in files}
    return {_with_slashes(name, uris): uri for name, uri in uris.items()}


def _with_slashes(name: str, names: dict[str, str]) -> str:
    slashed = name.replace("\\", "/").strip("/")
    return name if slashed in names else slashed


def site_and_time(name: str) -> tuple[str, str]:
    """Site and ISO 8601 time of a recorder's name; texts are empty where the name says nothing.

    `train_soundscapes/H02_20230420_074000.ogg` gives `("H02", "2023-04-20T07:40:00")`, by the recorder's own clock. A
    name with `Z` or an offset gives a time with it, and is so an instant.
    """
    stem = PurePosixPath(_SEPARATOR.split(name)[-1]).stem
    from_to = _FROM_TO.fullmatch(stem)
    match = _RECORDER.fullmatch(from_to["start"] if from_to else stem)
    if match is not None:
        digits = re.sub(r"\D", "", match["date"] + match["time"])
        is_clip = "birdnet" in match["between"] or _CLIP.fullmatch(match["site"] or "")
        return _found("" if is_clip else match["site"] or "", digits.ljust(14, "0"), match["zone"] or "")
    serial = _SERIAL_AND_TIME.fullmatch(stem)
    if serial is not None:
        return _found(serial["site"], f"20{serial['time']}", "")
    if _HEXADECIMAL.fullmatch(stem):
        when = datetime.fromtimestamp(int(stem, 16), UTC)
        if when.year in _AUDIOMOTH_YEARS:
            return "", when.isoformat().replace("+00:00", "Z")
    return "", ""


def _found(site: str, digits: str, zone: str) -> tuple[str, str]:
    try:
        text = datetime.strptime(digits, "%Y%m%d%H%M%S").isoformat()
        when = datetime.fromisoformat(text + zone)
    except ValueError:
        return "", ""
    return site, f"{text}Z" if zone == "Z" else when.isoformat()
