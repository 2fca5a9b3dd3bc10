"""The instruments: which samples there are, how they are laid out, and what becomes of them as a source."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from silencio.__main__ import main
from silencio.data.source import absolute, open_source
from silencio.data.validate import validate_recordings
from silencio.demo import fetch_instruments
from silencio.demo.fetch import ReadPackage, is_complete, lay_out
from silencio.demo.instruments import InstrumentSet, load_instrument_set
from silencio.demo.packages import PACKAGES, Package
from silencio.errors import SourceError


def content_of(path_in_package: str) -> bytes:
    return f"sound of {path_in_package}".encode()


@pytest.fixture
def instruments() -> InstrumentSet:
    """All names, with the checksums of what `read_package` gives."""
    samples = load_instrument_set().recordings
    return InstrumentSet(
        tuple(replace(one, sha256=hashlib.sha256(content_of(one.path_in_package)).hexdigest()) for one in samples)
    )


def reader(scratch: Path) -> ReadPackage:
    def read(package: Package, paths: Collection[str]) -> dict[str, bytes]:
        assert package.name == "sonic-pi-samples"
        return {path: content_of(path) for path in paths}

    return read


def test_load_instrument_set__rows_are_sound() -> None:
    samples = load_instrument_set().recordings
    assert len({one.file_name for one in samples}) == len({one.sha256 for one in samples}) == 165
    assert all(len(one.sha256) == 64 and one.package in PACKAGES for one in samples)
    assert samples[0].path_in_package == "usr/share/sonic-pi/samples/ambi_choir.flac"


def test_lay_out__the_folder_is_a_source_of_named_files(tmp_path: Path, instruments: InstrumentSet) -> None:
    lay_out(tmp_path / "instruments", instruments, reader)
    source = open_source(str(tmp_path / "instruments"))
    counts = source.recordings["primary_label"].value_counts()
    assert (len(source.recordings), len(counts), counts["tabla"], counts["misc"]) == (165, 14, 26, 3)
    assert {one.class_name for one in source.classes} == {"instrument"}
    assert source.classes[source.classes.index["bd"]].common_name == "Bass drum"
    assert set(source.recordings["license"]) == {"CC0-1.0"}
    # Every class has a name, and every sample a class.
    assert source.faults.empty


def test_lay_out__a_folder_of_someone_else_is_refused_untouched(tmp_path: Path, instruments: InstrumentSet) -> None:
    (tmp_path / "mine_01.flac").write_bytes(b"precious")
    with pytest.raises(SourceError, match=r"mine_01\.flac, which is not of the instruments"):
        lay_out(tmp_path, instruments, reader)
    assert [path.name for path in tmp_path.iterdir()] == ["mine_01.flac"]


def test_lay_out__what_is_damaged_is_fetched_again(tmp_path: Path, instruments: InstrumentSet) -> None:
    lay_out(tmp_path / "i", instruments, reader)
    (tmp_path / "i" / "bd_808.flac").write_bytes(b"half")
    (tmp_path / "i" / "file_names.yaml").unlink()
    assert not is_complete(tmp_path / "i", instruments)
    lay_out(tmp_path / "i", instruments, reader)
    assert is_complete(tmp_path / "i", instruments)


def test_open_source__instruments_without_a_client_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SILENCIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="apt-get is not on this machine"):
        open_source("instruments")
    assert main(["data", "fetch", "instruments"]) == 1
    assert "error: apt-get is not on this machine" in capsys.readouterr().err
    assert list((tmp_path / "cache").iterdir()) == []


def test_main__widelands_is_no_instrument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", "fetch", "instruments", "--with-widelands"])
    assert "is of the demo" in capsys.readouterr().err


def test_absolute__instruments_is_a_name_and_no_folder() -> None:
    assert absolute("instruments") == "instruments"
    assert absolute("./instruments") != "instruments"


@pytest.mark.network
def test_fetch_instruments__for_real(tmp_path: Path) -> None:
    source = open_source(str(fetch_instruments(tmp_path / "instruments")))
    outcome = validate_recordings(source.recordings)
    # Six ticks are shorter than 0.1 s.
    assert (len(outcome.usable), set(outcome.usable["sample_rate_hz"])) == (159, {44_100})
    assert set(outcome.faults["kind"]) == {"too_short", "clipped"}
