"""What a run reads has another version when any of it was changed, and the same one when nothing was."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from silencio.data.place_version import RUN_FOLDER
from silencio.steps.inputs_version import Inputs, run
from tests.disks import close_folder


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "a.ogg").write_bytes(b"sound")
    os.utime(folder / "a.ogg", (1, 1))
    return folder


def version(recordings: Path, beside: str = "") -> str:
    return run(Inputs(str(recordings), beside))


def test_version__is_the_same_as_long_as_nothing_was_changed(recordings: Path) -> None:
    assert version(recordings) == version(recordings)
    assert len(version(recordings)) == 16


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "b.ogg").touch(),
        lambda folder: (folder / "a.ogg").unlink(),
        lambda folder: os.utime(folder / "a.ogg", (2, 2)),
    ],
    ids=["added", "removed", "written"],
)
def test_version__is_another_with_other_recordings(change: Callable[[Path], object], recordings: Path) -> None:
    before = version(recordings)
    change(recordings)
    assert version(recordings) != before


def test_version__of_a_volume_with_a_folder_of_the_disk_that_is_closed(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_folder(recordings / "lost+found", monkeypatch)
    before = version(recordings)
    (recordings / "a.ogg").write_bytes(b"other sound")
    assert version(recordings) != before


def test_version__is_another_with_another_place_that_holds_the_same(recordings: Path) -> None:
    before = version(recordings)
    moved = recordings.rename(recordings.with_name("moved"))
    assert version(moved) != before


def test_version__is_another_with_another_ledger(recordings: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.parquet"
    ledger.write_bytes(b"a ledger")
    before = version(recordings, str(ledger))
    assert before != version(recordings)
    ledger.write_bytes(b"another")
    assert version(recordings, str(ledger)) != before


def test_version__is_the_same_on_another_s3_server(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A server that moved, or a tunnel with another port: what lies there decides.
    before = version(recordings)
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "elsewhere:9000")
    assert version(recordings) == before


def test_version__is_another_where_manifests_may_name_other_places(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SILENCIO_MANIFEST_PLACES", raising=False)
    before = version(recordings)
    monkeypatch.setenv("SILENCIO_MANIFEST_PLACES", "s3://birds")
    assert version(recordings) != before


def test_version__does_not_count_a_local_run_s_own_files(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = recordings / "out"
    monkeypatch.setenv(RUN_FOLDER, str(out))
    before = version(recordings)
    out.mkdir()
    (out / "run.log").touch()
    assert version(recordings) == before
    monkeypatch.delenv(RUN_FOLDER)
    assert version(recordings) != before


def test_source__that_comes_with_the_library_has_a_version(tmp_path: Path) -> None:
    assert run(Inputs("demo", "")) != run(Inputs("instruments", ""))
