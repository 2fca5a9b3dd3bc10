"""Killed before any of its operations, what replaces a file or a folder leaves the old one or the new, whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.local import publish as publishing
from silencio.storage import atomic, replace_folder, restore_folder, whole_folder, write_atomically
from tests.unit.storage.kills import killed_before_every_operation

OLD, NEW = {"a": "old", "b": "old"}, {"a": "new", "c": "new"}


def _fill(folder: Path, content: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in content.items():
        (folder / name).write_text(text)
    return folder


def _content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def _by_replace_folder(place: Path) -> None:
    replace_folder(place.with_name("fresh"), place)


def _by_whole_folder(place: Path) -> None:
    with whole_folder(place) as fresh:
        for name, text in NEW.items():
            (fresh / name).write_text(text)


def _by_publish(place: Path) -> None:
    publishing.publish(place.with_name("fresh"), place)


@pytest.fixture(params=["exchange", "renames"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that exchanges folders in one step, and one that can only rename."""
    if request.param == "renames":
        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    return str(request.param)


@pytest.mark.parametrize("replace", [_by_replace_folder, _by_whole_folder, _by_publish])
def test_replace_folder__killed_at_any_operation_leaves_the_old_or_the_new(
    replace: Callable[[Path], None], file_system: str, tmp_path: Path
) -> None:
    top = tmp_path / "top"
    place = top / "place"

    def prepare() -> None:
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir()
        _fill(place, OLD)
        _fill(top / "fresh", NEW)

    found = []
    for operation in killed_before_every_operation(prepare, lambda: replace(place)):
        if file_system == "renames":
            restore_folder(place)
        assert _content(place) in (OLD, NEW), f"killed before operation {operation}"
        found.append(_content(place))
        # Whoever comes next writes as if nothing had been, and leaves nothing beside it.
        _by_publish_of_itself(place)
        _by_whole_folder(place)
        assert _content(place) == NEW
        assert {path.name for path in top.iterdir()} <= {"place", "fresh"}
    assert _content(place) == NEW
    assert OLD in found and NEW in found


def _by_publish_of_itself(place: Path) -> None:
    made = _fill(place.parent / "made", NEW)
    publishing.publish(made, place)
    shutil.rmtree(made)


def test_write_atomically__killed_at_any_operation_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    place = tmp_path / "place"

    def prepare() -> None:
        place.write_text("old")

    found = []
    for operation in killed_before_every_operation(prepare, lambda: write_atomically(place, "new")):
        assert place.read_text() in ("old", "new"), f"killed before operation {operation}"
        found.append(place.read_text())
    assert place.read_text() == "new"
    assert "old" in found and "new" in found


def test_restore_folder__a_folder_between_two_renames_comes_back(tmp_path: Path) -> None:
    _fill(tmp_path / ".place.replaced", OLD)
    restore_folder(tmp_path / "place")
    assert _content(tmp_path / "place") == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_restore_folder__beside_a_newer_one_the_old_one_goes(tmp_path: Path) -> None:
    _fill(tmp_path / ".place.replaced", OLD)
    _fill(tmp_path / "place", NEW)
    restore_folder(tmp_path / "place")
    assert _content(tmp_path / "place") == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_replace_folder__where_the_second_rename_fails_the_old_one_is_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    _fill(tmp_path / "place", OLD)
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "nothing", tmp_path / "place")
    assert _content(tmp_path / "place") == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
