"""What a file's name says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from silencio.audio import decode
from silencio.data.file_names import AUDIO_SUFFIXES, is_audio, names_below, site_and_time
from silencio.storage import StoredObject

DOCS = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
Encode = Callable[..., bytes]


@pytest.mark.parametrize(
    ("name", "site", "recorded_at"),
    [
        ("H02_20230420_074000.ogg", "H02", "2023-04-20T07:40:00"),
        ("s3://bucket/train_soundscapes/H02_20230420_074000.ogg", "H02", "2023-04-20T07:40:00"),
        ("north_ridge_2_20240229_235959.wav", "north_ridge_2", "2024-02-29T23:59:59"),
        ("20230420_074000.WAV", "", "2023-04-20T07:40:00"),  # AudioMoth
        ("H02_20230230_074000.ogg", "", ""),  # no such day
        ("H02_20230420_250000.ogg", "", ""),
        ("H02_20230420.ogg", "", ""),
        ("XC123456.ogg", "", ""),
        ("grekis/XC20230420_074000.ogg", "", ""),  # a number that only looks like a day
        ("H02_20230420_074000_0.ogg", "", ""),
        ("20230420_0740001.wav", "", ""),
        ("20230420_074000T.WAV", "", "2023-04-20T07:40:00"),  # AudioMoth, begun by a trigger
        ("24F31901603710FD_20230420_074000.WAV", "24F31901603710FD", "2023-04-20T07:40:00"),
        ("5CE0A1B2.WAV", "", "2019-05-19T00:22:10Z"),  # AudioMoth before 1.2
        ("59A0A1B2.WAV", "", "2017-08-25T22:16:18Z"),
        ("58123456.wav", "", ""),  # a catalogue number
        ("DEADBEEF.WAV", "", ""),  # in the year 2088
        ("1CE0A1B2.WAV", "", ""),  # in 1985
        ("SITE_20160506$175304.wav", "SITE", "2016-05-06T17:53:04"),  # SM3 and SM4 with GPS
        ("2MU00001_20230420_074000_000.wav", "2MU00001", "2023-04-20T07:40:00"),  # Song Meter, with milliseconds
        ("REC_20230420_074000Z.WAV", "REC", "2023-04-20T07:40:00Z"),
        ("Swift_2015-09-13_22.15.10_Z.wav", "Swift", "2015-09-13T22:15:10Z"),
        ("S1086_20230420_074000-0500.wav", "S1086", "2023-04-20T07:40:00-05:00"),
        ("20200101T120000+05:30.wav", "", "2020-01-01T12:00:00+05:30"),
        ("20230420_074000+9900.wav", "", ""),  # no such offset
        ("20201107T000000+1100_REC_-30.1228+145.4222.flac", "", "2020-11-07T00:00:00+11:00"),  # Frontier Labs
        ("20201107T000000+1100_REC.flac", "", "2020-11-07T00:00:00+11:00"),
        ("20220101T013458+1000_REC [-27.48 152.9].flac", "", "2022-01-01T01:34:58+10:00"),
        ("S20240815T084500.123+1000_E20240815T085459.456+1000_+12.3-124.5.flac", "", "2024-08-15T08:45:00+10:00"),
        ("2018-06-14 20-45-10.wav", "", "2018-06-14T20:45:10"),  # Anabat Swift
        ("SITE-2013-10-09_06-00.flac", "SITE", "2013-10-09T06:00:00"),  # Arbimon
        ("671658.180324033000.wav", "671658", "2018-03-24T03:30:00"),  # SoundTrap
        ("Turdus_merula-85-2023-04-20-birdnet-07:40:00.mp3", "", "2023-04-20T07:40:00"),  # a species is no site
        ("turdus_merula_95p_20240420T074000Z.wav", "", "2024-04-20T07:40:00Z"),
        (r"card\H02_20230420_074000.WAV", "H02", "2023-04-20T07:40:00"),
    ],
)
def test_site_and_time__of_a_recorders_name_and_of_no_other(name: str, site: str, recorded_at: str) -> None:
    assert site_and_time(name) == (site, recorded_at)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.ogg", True),
        ("b/A.WAV", True),
        ("a.flac", True),
        ("a.Mp3", True),
        ("a.txt", False),
        ("ogg", False),
        ("a.ogg.part", False),
        ("._a.ogg", False),
        (".hidden/a.ogg", False),
        ("__MACOSX/b/._a.ogg", False),
        ("__MACOSX/b/a.ogg", False),
        ("$RECYCLE.BIN/a.ogg", False),
        ("card/$Recycle.Bin/S-1-5-21/$R0AB.wav", False),
        ("System Volume Information/a.wav", False),
        ("frog/@eaDir/a.ogg", False),
        ("#recycle/frog/a.ogg", False),
        (".Trashes/501/a.ogg", False),
        ("lost+found/a.ogg", False),
        (r"card\$RECYCLE.BIN\a.ogg", False),
        ("lost+found.ogg", True),  # a file may be called so
        ("recycled sounds/a.ogg", True),
    ],
)
def test_is_audio__by_suffix_without_hidden_files(name: str, expected: bool) -> None:
    assert is_audio(name) is expected


# Rows of the table of recorders: the first name, its site, its time.
DOCUMENTED = re.findall(r"^\| `([^`]+)`[^|]*\| (?:`([^`]+)`)?[^|]*\| `(\d{4}-[^`]+)`", DOCS, re.MULTILINE)


def test_site_and_time__are_those_of_the_page_for_users() -> None:
    assert len(DOCUMENTED) == 8
    assert {name: site_and_time(f"{name}.wav") for name, _, _ in DOCUMENTED} == {
        name: (site, recorded_at) for name, site, recorded_at in DOCUMENTED
    }


def test_suffixes__are_those_of_the_page_for_users() -> None:
    sentence = re.search(r"A recording is known by its name: (.*?), in either case", DOCS, re.DOTALL)
    assert sentence is not None
    assert re.findall(r"`(\.\w+)`", sentence[1]) and set(re.findall(r"`(\.\w+)`", sentence[1])) == set(AUDIO_SUFFIXES)


CONTAINERS = {
    ".ogg": ("OGG", "VORBIS"),
    ".oga": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".wav": ("WAV", "PCM_16"),
    ".wave": ("WAV", "PCM_16"),
    ".bwf": ("WAVEX", "PCM_24"),
    ".rf64": ("RF64", "PCM_16"),
    ".w64": ("W64", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aiff": ("AIFF", "PCM_16"),
    ".aif": ("AIFF", "PCM_16"),
    ".aifc": ("AIFF", "ULAW"),
    ".caf": ("CAF", "PCM_16"),
    ".au": ("AU", "PCM_16"),
}


@pytest.mark.parametrize("suffix", AUDIO_SUFFIXES)
def test_suffixes__are_of_what_is_decoded(suffix: str, encode: Encode) -> None:
    tone = (0.3 * np.sin(2 * np.pi * 1000 * np.arange(24000) / 24000)).astype(np.float32)
    audio = decode(encode(tone, 24000, *CONTAINERS[suffix]))
    assert audio.duration_s == pytest.approx(1.0, abs=0.1)
    assert float(np.abs(audio.samples).max()) == pytest.approx(0.3, abs=0.05)


def test_names_below__are_separated_by_slashes_and_lead_to_the_file() -> None:
    uris = ["s3://b/in/frog/a.ogg", r"s3://b/in/owl\b.ogg", "s3://b/in/x/y.ogg", r"s3://b/in/x\y.ogg"]
    assert names_below("s3://b/in", [StoredObject(uri, 0, "") for uri in uris]) == {
        "frog/a.ogg": uris[0],
        "owl/b.ogg": uris[1],
        "x/y.ogg": uris[2],
        r"x\y.ogg": uris[3],  # there are both
    }
