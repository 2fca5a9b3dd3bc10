"""What came to lie in a folder because somebody looked at it, told from what somebody put there."""

from __future__ import annotations

import pytest

from silencio.storage import is_by_product, is_of_system


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "frog/._a.ogg",
        "frog/.~lock.names.csv#",
        "frog/@eaDir/a.ogg@SynoEAStream",
        "#recycle/a.ogg",
        "$Recycle.Bin/S-1-5-21/desktop.ini",
        "System Volume Information/IndexerVolumeGuid",
        "lost+found/",
        "frog/Thumbs.db",
        "desktop.ini",
        "train.csv~",
        "~$names.xlsx",
        ".git/config",
        r"card\$RECYCLE.BIN\a.ogg",
    ],
)
def test_is_by_product__what_systems_and_programs_leave(name: str) -> None:
    assert is_by_product(name)


@pytest.mark.parametrize(
    "name",
    [
        "train.csv",
        "frog/a.ogg",
        "lost+found",  # a file may be called so
        "recycled sounds/a.ogg",
        "~night/a.ogg",
        "frog/a~1.ogg",
        "thumbs.db.ogg",
        "frog/",
        "@night/#3.ogg",
    ],
)
def test_is_by_product__nothing_that_somebody_put_there(name: str) -> None:
    assert not is_by_product(name)


def test_is_of_system__a_hidden_file_is_no_system_s() -> None:
    assert is_of_system("lost+found/a.ogg") and not is_of_system(".hidden/a.ogg")
