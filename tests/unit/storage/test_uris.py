"""The arithmetic of URIs."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.errors import StorageError
from silencio.storage import is_local, is_s3, join, name_of, zip_root
from silencio.storage.uris import split_s3, split_zip


@pytest.mark.parametrize(
    ("uri", "parts", "joined"),
    [
        ("/data", ["a", "b.ogg"], "/data/a/b.ogg"),
        ("/data/", ["/a/", "b.ogg"], "/data/a/b.ogg"),
        ("s3://bucket", ["a/b.ogg"], "s3://bucket/a/b.ogg"),
        ("s3://bucket/", [""], "s3://bucket/"),
        ("zip:///data/a.zip!", ["train.csv"], "zip:///data/a.zip!/train.csv"),
        ("relative", ["a"], "relative/a"),
    ],
)
def test_join__has_one_slash_between(uri: str, parts: list[str], joined: str) -> None:
    assert join(uri, *parts) == joined


def test_name_of__is_the_last_part() -> None:
    assert [name_of(uri) for uri in ("s3://b/a/c.ogg", "/data/c.ogg", "s3://b/a/", "c.ogg")] == [
        "c.ogg",
        "c.ogg",
        "a",
        "c.ogg",
    ]


def test_kinds__are_told_apart() -> None:
    uris = ["s3://bucket/a", "/s3/a", "zip:///a.zip!/b", "s3:/bucket", "a"]
    assert [is_s3(uri) for uri in uris] == [True, False, False, False, False]
    assert [is_local(uri) for uri in uris] == [False, True, False, True, True]


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://b/a/c #1?.ogg", "b", "a/c #1?.ogg"),
        ("s3://b", "b", ""),
        ("s3://b/", "b", ""),
        ("s3://b/a%20b", "b", "a%20b"),
    ],
)
def test_split_s3__takes_a_key_as_it_stands(uri: str, bucket: str, key: str) -> None:
    assert split_s3(uri) == (bucket, key)


def test_split_s3__without_a_bucket() -> None:
    with pytest.raises(StorageError, match="names no bucket: an S3 place looks like s3://bucket/folder"):
        split_s3("s3:///key")


def test_split_zip__finds_zip_and_member(tmp_path: Path) -> None:
    root = zip_root(tmp_path / "a.zip")
    assert split_zip(root) == (tmp_path / "a.zip", "")
    assert split_zip(join(root, "b/c!/d.ogg")) == (tmp_path / "a.zip", "b/c!/d.ogg")
