"""Files and folders that appear whole or not at all, on a full disk too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from silencio.errors import StorageError
from silencio.storage import whole_folder, write_atomically
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
    said = f"no space left on {small_disk} while writing {small_disk / 'a'}"
    with pytest.raises(StorageError, match=said), whole_folder(small_disk / "a") as fresh:
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
