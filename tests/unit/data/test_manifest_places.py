"""A manifest that somebody else put into a bucket reads nothing with our credentials that is not beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.data.manifest import read_manifest
from silencio.data.manifest_places import check_places
from silencio.errors import SchemaError
from silencio.storage import join, write_bytes
from tests.s3 import S3Server


def _check(manifest: str, place: str) -> None:
    check_places(manifest, manifest.rsplit("/", 1)[0], [(2, place, place)])


@pytest.fixture(autouse=True)
def _no_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SILENCIO_MANIFEST_PLACES", raising=False)


@pytest.mark.parametrize(
    "place", ["/data/a.ogg", "s3://other/a.ogg", "zip:///data/a.zip!/a.ogg", "/data/m/../../a.ogg"]
)
def test_manifest_on_this_machine__may_name_what_its_reader_may_read(place: str) -> None:
    _check("/data/m/mine.csv", place)


@pytest.mark.parametrize("place", ["s3://bucket/a.ogg", "s3://bucket/deep/er/a.ogg"])
def test_manifest_in_s3__may_name_its_own_bucket(place: str) -> None:
    _check("s3://bucket/deep/mine.csv", place)


@pytest.mark.parametrize(
    "place",
    [
        "s3://other/a.ogg",
        "s3://bucket-of-another/a.ogg",
        "/etc/passwd",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "zip:///data/a.zip!/a.ogg",
    ],
)
def test_manifest_in_s3__may_name_nothing_else(place: str) -> None:
    with pytest.raises(SchemaError, match=r"column 'path', row 2: .* is outside of s3://bucket: put SILENCIO_MANIFEST"):
        _check("s3://bucket/deep/mine.csv", place)


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ("s3://other/birds/a.ogg", True),
        ("s3://other/bats/a.ogg", False),
        ("s3://other/birdsong/a.ogg", False),
        ("/recordings/a.ogg", True),
        ("zip:///recordings/a.zip!/a.ogg", True),
        ("zip:///elsewhere/a.zip!/recordings/a.ogg", False),
        ("/recordings/../etc/passwd", False),
        ("/recordings-of-another/a.ogg", False),
    ],
)
@pytest.mark.parametrize("manifest", ["s3://bucket/mine.csv", "/data/mine.csv"])
def test_places_that_are_listed__are_open_to_every_manifest_and_no_other_is(
    manifest: str, place: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENCIO_MANIFEST_PLACES", "s3://other/birds, /recordings")
    if allowed:
        _check(manifest, place)
    else:
        with pytest.raises(SchemaError, match="is outside of"):
            _check(manifest, place)


def test_places_that_are_listed__a_link_leads_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_MANIFEST_PLACES", "s3://other")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "link").symlink_to("/etc")
    (tmp_path / "m" / "mine.csv").write_text("path,primary_label\nlink/passwd,frog\n")
    with pytest.raises(SchemaError, match="'link/passwd' is outside of"):
        read_manifest(str(tmp_path / "m" / "mine.csv"))


def test_read_manifest__of_a_bucket_that_names_this_machine_is_refused(s3: S3Server) -> None:
    place = s3.new_place()
    write_bytes(join(place, "mine.csv"), b"path,primary_label\n/etc/passwd,frog\n")
    with pytest.raises(SchemaError, match=r"row 2: '/etc/passwd' is outside of s3://"):
        read_manifest(join(place, "mine.csv"))
