"""What a file's name says."""

from __future__ import annotations

import pytest

from silencio.data.file_names import is_audio, site_and_time


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
    ],
)
def test_is_audio__by_suffix_without_hidden_files(name: str, expected: bool) -> None:
    assert is_audio(name) is expected
