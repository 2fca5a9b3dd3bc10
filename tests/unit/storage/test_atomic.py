"""Files and folders that appear whole or not at all, on a full disk too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.local.publish import publish
from silencio.errors import StorageError
from silencio.storage import atomic, replace_file, restore_folder, whole_folder, write_atomically
from tests.disks import disk_of, files_of_at_most


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with disk_of("1m", tmp_path / "disk") as place:
        yield place


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 100 kB."""
    with files_of_at_most(100_000):
        yield


@pytest.mark.parametrize("content", [b"\x00\xff", "ä text"])
def test_write_atomically__makes_folders_and_replaces(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "new" / "folder" / "a"
    write_atomically(path, "before")
    write_atomically(path, content)
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert _names(path.parent) == ["a"]


def test_write_atomically__on_a_full_disk(small_disk: Path) -> None:
    write_atomically(small_disk / "a", "before")
    with pytest.raises(StorageError) as caught:
        write_atomically(small_disk / "a", bytes(2_000_000))
    assert str(caught.value) == (
        f"no space left on {small_disk} while writing {small_disk / 'a'}: free some, or write to another disk"
    )
    assert (small_disk / "a").read_text() == "before"
    assert _names(small_disk) == ["a"]


def test_write_atomically__beyond_a_limit(small_files: None, tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", bytes(99_000))
    with pytest.raises(StorageError, match=r"ulimit -f"):
        write_atomically(tmp_path / "a", bytes(101_000))
    assert (tmp_path / "a").stat().st_size == 99_000
    assert _names(tmp_path) == ["a"]


def test_write_atomically__below_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StorageError, match="a/b cannot be written: "):
        write_atomically(tmp_path / "a" / "b", "")


def test_whole_folder__appears_at_the_end(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a") as fresh:
        (fresh / "deep").mkdir()
        (fresh / "deep" / "file").write_text("x")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a" / "deep" / "file").read_text() == "x"
    assert _names(tmp_path) == ["a"]


def test_whole_folder__replaces_nothing_before_it_is_whole(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a") as fresh:
        (fresh / "old").write_text("old")
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "a") as fresh:
        (fresh / "new").write_text("new")
        raise ZeroDivisionError
    assert _names(tmp_path) == ["a"]
    assert _names(tmp_path / "a") == ["old"]
    with whole_folder(tmp_path / "a") as fresh:
        (fresh / "new").write_text("new")
    assert _names(tmp_path / "a") == ["new"]


def test_whole_folder__on_a_full_disk(small_disk: Path) -> None:
    shown = f"no space left on {small_disk} while writing {small_disk / 'a'}"
    with pytest.raises(StorageError, match=shown), whole_folder(small_disk / "a") as fresh:
        for number in range(20):
            (fresh / str(number)).write_bytes(bytes(100_000))
    assert _names(small_disk) == []


def test_whole_folder__what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    code = f"""
        import os, signal
        from pathlib import Path
        from silencio.storage import whole_folder
        with whole_folder(Path({str(tmp_path / "a")!r})) as fresh:
            (fresh / "half").write_text("x")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "a").exists()
    with whole_folder(tmp_path / "a") as fresh:
        (fresh / "whole").write_text("x")
    assert _names(tmp_path) == ["a"]
    assert _names(tmp_path / "a") == ["whole"]


# A place that is a link, as to a larger disk


def _by_whole_folder(place: Path, text: str) -> None:
    with whole_folder(place) as fresh:
        (fresh / text).write_text(text)


def _by_publish(place: Path, text: str) -> None:
    made = place.with_name("made") / text
    made.mkdir(parents=True)
    (made / text).write_text(text)
    publish(made, place)


@pytest.mark.parametrize("is_exchanged", [True, False])
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("write", [_by_whole_folder, _by_publish])
def test_folder__at_a_link_is_written_where_that_leads_as_often_as_one_likes(
    write: Callable[[Path, str], None],
    is_there: bool,
    is_exchanged: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not is_exchanged:
        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    large, place = tmp_path / "large", tmp_path / "here" / "out"
    (large / "target").mkdir(parents=True)
    place.parent.mkdir()
    place.symlink_to("../large/target")
    if not is_there:
        (large / "target").rmdir()
    for text in ("first", "second", "third"):
        write(place, text)
        assert place.is_symlink() and os.readlink(place) == "../large/target"  # noqa: PTH115
        assert _names(large / "target") == [text]
        assert _names(large) == ["target"], "nothing is left beside it"


def test_folder__at_a_link_to_another_disk(small_disk: Path, tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.symlink_to(small_disk / "out")
    for text in ("first", "second"):
        _by_whole_folder(place, text)
        assert place.is_symlink() and _names(small_disk / "out") == [text]
    shown = f"no space left on {small_disk} while writing {place}"
    with pytest.raises(StorageError, match=shown), whole_folder(place) as fresh:
        (fresh / "large").write_bytes(bytes(2_000_000))
    assert _names(small_disk) == ["out"] and _names(small_disk / "out") == ["second"]


def test_restore_folder__at_a_link_brings_back_what_that_led_to(tmp_path: Path) -> None:
    (tmp_path / "large" / ".target.replaced").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "large" / "target")
    restore_folder(tmp_path / "out")
    assert _names(tmp_path / "large") == ["target"] and (tmp_path / "out").is_symlink()


@pytest.mark.parametrize("is_there", [True, False])
def test_write_atomically__at_a_link_writes_where_that_leads(is_there: bool, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    target, place = tmp_path / "large" / "target", tmp_path / "a"
    place.symlink_to(target)
    if is_there:
        target.write_text("old")
    for text in ("first", "second"):
        write_atomically(place, text)
        assert place.is_symlink() and target.read_text() == text
        assert _names(tmp_path / "large") == ["target"] and _names(tmp_path) == ["a", "large"]


def test_write_atomically__at_a_link_needs_no_space_where_the_link_lies(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "a").symlink_to(tmp_path / "a")
    write_atomically(small_disk / "a", bytes(2_000_000))
    assert (tmp_path / "a").stat().st_size == 2_000_000 and _names(small_disk) == ["a"]


def test_replace_file__at_a_link_to_another_disk(small_disk: Path, tmp_path: Path) -> None:
    place, fresh = tmp_path / "a", tmp_path / ".a.partial"
    place.symlink_to(small_disk / "a")
    for text in ("first", "second"):
        fresh.write_text(text)
        replace_file(fresh, place)
        assert place.is_symlink() and (small_disk / "a").read_text() == text
        assert _names(small_disk) == ["a"] and not fresh.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_write_atomically__where_nothing_may_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot be written: Permission denied"):
        write_atomically(tmp_path / "a", "")


def _write_often(path: str) -> None:
    for _ in range(200):
        write_atomically(path, b"the same", shared=True)


def test_write_atomically__several_processes_may_write_a_shared_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cached"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_often, args=(str(path),)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert path.read_bytes() == b"the same"
    assert list(tmp_path.iterdir()) == [path]
