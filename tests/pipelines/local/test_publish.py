from pathlib import Path

import pytest

from pipelines.local.publish import publish
from silencio.errors import StorageError


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def content(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in path.iterdir()}


@pytest.mark.parametrize("platform", ["linux", "another"])
def test_folder__is_replaced_whole(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("silencio.storage.atomic.sys.platform", platform)
    place = folder(tmp_path / "bundle", old="1", both="1")
    assert publish(folder(tmp_path / "made", both="2", new="2"), place) == place
    assert content(place) == {"both": "2", "new": "2"}
    # The artifact stays with its step, and nothing else is left.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "made"]


def test_file__is_replaced(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("new")
    (tmp_path / "report.html").write_text("old")
    publish(tmp_path / "made", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text() == "new"


def test_first_time__needs_no_old_one(tmp_path: Path) -> None:
    publish(folder(tmp_path / "made", new="1"), tmp_path / "bundle")
    assert content(tmp_path / "bundle") == {"new": "1"}


def test_copy_that_fails__leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    place = folder(tmp_path / "bundle", old="1")
    made = folder(tmp_path / "made", good="2")
    (made / "broken").symlink_to("/nowhere/at/all")
    with pytest.raises(StorageError, match=r"bundle cannot be written \(.*No such file"):
        publish(made, place)
    assert content(place) == {"old": "1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "made"]


def test_what_a_killed_run_left__is_no_part_of_the_next(tmp_path: Path) -> None:
    folder(tmp_path / ".bundle.new", half="1")
    publish(folder(tmp_path / "made", new="2"), tmp_path / "bundle")
    assert content(tmp_path / "bundle") == {"new": "2"}
    assert not (tmp_path / ".bundle.new").exists()
