"""Which recorder wrote a file, by its name and folders."""

from __future__ import annotations

import pytest

from serving.client.file_recorder import recorder_of_file
from serving.server.recorder_ids import RecorderIds


@pytest.mark.parametrize(
    ("name", "site_id", "device_id"),
    [
        ("SMA01234_20260508_054000.wav", "", "SMA01234"),
        ("north/SMA01234_20260508_054000.wav", "north", "SMA01234"),
        ("north/Data/SMA01234_20260508_054000.wav", "north", "SMA01234"),  # a card of a Song Meter's, in a folder
        ("north/24F31901603710FD_20260508_054000.WAV", "north", "24F31901603710FD"),
        ("north/AM12/20260508_054000.WAV", "north", "AM12"),  # AudioMoth without its id
        ("AM12/20260508_054000.WAV", "", "AM12"),
        ("SMA01234/SMA01234_20260508_054000.wav", "", "SMA01234"),  # a folder a recorder is no site
        ("Data/SMA01234_20260508_054000.wav", "", "SMA01234"),
        ("SMA01234/Data/SMA01234_20260508_054000.wav", "", "SMA01234"),
        ("ridge/AM12/20260508/20260508_054000.WAV", "ridge", "AM12"),  # AudioMoth's folders, one a day
        ("ridge/AM12/2026-05-08/20260508_054000.WAV", "ridge", "AM12"),
        ("20260508_054000.WAV", "", ""),
        ("671658.180324033000.wav", "", "671658"),
        ("dawn.ogg", "", ""),
        ("card 3/H02_20230420_235900.wav", "", "H02"),  # a blank: no id
        ("north/my ridge_20230420_235900.wav", "north", ""),
        ("../H02_20230420_235900.wav", "", "H02"),
    ],
)
def test_recorder__by_name_and_folders(name: str, site_id: str, device_id: str) -> None:
    assert recorder_of_file(name, RecorderIds()) == RecorderIds(site_id, device_id)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (RecorderIds("south"), RecorderIds("south", "SMA01234")),
        (RecorderIds("", "A7"), RecorderIds("north", "A7")),
        (RecorderIds("south", "A7"), RecorderIds("south", "A7")),
    ],
)
def test_recorder__what_is_named_comes_first(named: RecorderIds, expected: RecorderIds) -> None:
    assert recorder_of_file("north/SMA01234_20260508_054000.wav", named) == expected
