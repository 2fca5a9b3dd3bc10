"""`silencio data check|verify|restore`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from silencio.__main__ import main
from silencio.bundle import BundleManifest
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.data.birdclef import Source
from silencio.data.recordings import write_table
from silencio.data.split import Split
from silencio.data.validate import ValidatedRecordings
from silencio.data.versions import data_table
from silencio.storage import sha256_of
from tests.disks import files_of_at_most


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def bundle(
    validated: ValidatedRecordings, drawn: Split, source: Source, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle that was made from `birdclef_folder`."""
    directory = write_placeholder_bundle(tmp_path_factory.mktemp("bundle"), classes=source.classes)
    write_table(data_table(validated.usable, drawn.assignment), directory / "data.parquet")
    path = directory / "bundle.json"
    manifest = BundleManifest.model_validate_json(path.read_text())
    files = {**manifest.files, "data.parquet": sha256_of(directory / "data.parquet")}
    path.write_text(manifest.model_copy(update={"files": files}).sealed().model_dump_json())
    return directory


def test_check__names_every_fault_and_writes_the_page(
    own_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_folder / "train_audio/grekis/XC1.ogg").unlink()
    assert main(["data", "check", "--data", str(own_folder), "--out", str(tmp_path / "report.html")]) == 0
    shown = capsys.readouterr().out
    assert f"{own_folder} was taken as BirdCLEF's layout in {own_folder}" in shown
    assert "18 of 19 recordings can be used" in shown
    for text in ("grekis/XC1.ogg", "the file is missing", "no_recordings", "yebela1"):
        assert text in shown
        assert text in (tmp_path / "report.html").read_text()


def test_check__strict_ends_with_1_where_a_recording_cannot_be_used(own_folder: Path) -> None:
    strict = ["data", "check", "--data", str(own_folder), "--strict"]
    assert main(strict) == 0
    (own_folder / "train_audio/grekis/XC1.ogg").write_bytes(b"no sound")
    assert main(strict) == 1
    assert main(strict[:-1]) == 0


def test_check__of_what_is_no_source_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "--data", str(tmp_path / "nowhere")]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(
        f"error: {tmp_path / 'nowhere'} is not a folder: --data takes a folder or s3://bucket/prefix"
    )
    assert shown.count("\n") == 1


def test_verify__of_the_same_data(bundle: Path, birdclef_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", "--bundle", str(bundle), "--data", str(birdclef_folder)]) == 0
    assert f"{birdclef_folder} holds exactly the 19 recordings of {bundle}" in capsys.readouterr().out


def test_verify__of_changed_data_names_it(bundle: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_folder / "train_audio/grekis/XC1.ogg").unlink()
    assert main(["data", "verify", "--bundle", str(bundle), "--data", str(own_folder)]) == 1
    shown = capsys.readouterr().out
    assert "grekis/XC1.ogg" in shown
    assert "1 missing: its bytes are nowhere in the source" in shown


def test_restore__gives_the_same_data(
    bundle: Path, birdclef_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "restored"
    assert main(["data", "restore", "--bundle", str(bundle), "--data", str(birdclef_folder), "--out", str(out)]) == 0
    assert main(["data", "verify", "--bundle", str(bundle), "--data", str(out)]) == 0
    assert f"{out} holds exactly the 19 recordings of {bundle}" in capsys.readouterr().out


def test_restore__of_what_is_gone_is_one_sentence(
    bundle: Path, own_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_folder / "train_audio/grekis/XC1.ogg").unlink()
    out = str(tmp_path / "restored")
    arguments = ["data", "restore", "--bundle", str(bundle), "--data", str(own_folder), "--out", out]
    assert main(arguments) == 1
    assert "error: 1 of 19 recordings are nowhere in" in capsys.readouterr().err
    assert not (tmp_path / "restored").exists()


def test_verify__a_bundle_without_a_table_of_its_data(
    birdclef_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_placeholder_bundle(tmp_path / "bundle")
    assert main(["data", "verify", "--bundle", str(tmp_path / "bundle"), "--data", str(birdclef_folder)]) == 1
    assert "holds no data.parquet: it was made before data sets had versions" in capsys.readouterr().err


def test_verify__a_table_that_was_changed_is_refused(
    bundle: Path, birdclef_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bundle / "data.parquet"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + b"x")
    try:
        assert main(["data", "verify", "--bundle", str(bundle), "--data", str(birdclef_folder)]) == 1
    finally:
        path.write_bytes(before)
    assert "data.parquet was changed" in capsys.readouterr().err


def test_check__prints_names_as_they_are(
    birdclef_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets are no markup, and bytes that are not UTF-8 are escaped; such recordings are used like others."""
    audio = next((birdclef_folder / "train_audio").rglob("*.ogg")).read_bytes()
    folder = tmp_path / "[lake]"
    for name in (b"frog/[dawn] 1.ogg", b"frog/[/x].ogg", b"ow\xe9l/caf\xe9 :bee:.ogg"):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(audio)
    (folder / "frog" / "[b] empty.ogg").write_bytes(b"")
    page = tmp_path / "out [b].html"
    assert main(["data", "check", "--data", str(folder), "--out", str(page)]) == 0
    shown = capsys.readouterr().out
    shown.encode()
    assert f"{folder} was taken as one folder a class in {folder}" in shown
    for name in ("frog/[dawn] 1.ogg", "frog/[/x].ogg", "ow%E9l/caf%E9 :bee:.ogg", "frog/[b] empty.ogg"):
        assert name in shown
        assert name in page.read_text(encoding="utf-8")
    assert "3 of 4 recordings can be used" in shown
    assert f"report: {page}" in shown


def test_check__of_a_folder_whose_name_is_not_utf8(
    birdclef_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / os.fsdecode(b"expedici\xf3n")
    shutil.copytree(birdclef_folder, folder)
    assert main(["data", "check", "--data", str(folder)]) == 0
    assert f"{tmp_path}/expedici%F3n was taken as BirdCLEF's layout" in capsys.readouterr().out


def test_check__report_on_a_full_disk_is_one_sentence(
    birdclef_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with files_of_at_most(64):
        assert main(["data", "check", "--data", str(birdclef_folder), "--out", str(tmp_path / "report.html")]) == 1
    shown = capsys.readouterr().err.splitlines()[-1]
    assert shown.startswith(f"error: {tmp_path / 'report.html'} grows larger than")
    assert not list(tmp_path.iterdir())
