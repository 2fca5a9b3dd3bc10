"""Which source `--data` names: one function looks and says what it took it for."""

from __future__ import annotations

from pathlib import Path

from silencio.data.birdclef import read_birdclef
from silencio.data.class_folders import read_class_folders
from silencio.data.file_names import is_audio, names_below
from silencio.data.installed_sources import fetched_folder, is_installed_source, source_names
from silencio.data.listing import list_source
from silencio.data.manifest import read_manifest
from silencio.data.named_files import FILE_NAMES, proposal, read_named_files
from silencio.data.recordings import Source
from silencio.errors import SourceError
from silencio.storage import (
    StoredObject,
    escaped,
    exists,
    is_by_product,
    is_local,
    is_s3,
    join,
    local_path,
    name_of,
    zip_root,
)

_TABLES = (".csv", ".parquet")


def open_source(data: str) -> Source:
    """Read the tables of a source, whatever its form; its recordings are not opened.

    Args:
        data: A folder, `s3://` prefix, zip or manifest; or a name such as `demo` or `instruments`, whose recordings
            are fetched where they are not there yet.

    Returns:
        The source; `taken_as` says what it was taken for.

    Raises:
        SourceError: It is none of these; the message lists them.
        SchemaError: A table is broken; the message names column and row.
        StorageError: The place does not answer.
    """
    if not is_listed(data):
        return _manifest(data)
    root = root_of(data)
    if exists(join(root, "train.csv")):
        return read_birdclef(root)  # without a listing of tens of thousands of files
    files = list_source(root)
    root = _unwrapped(root, files)
    if any(file.uri.startswith((join(root, "train.csv"), join(root, "train_audio/") + "/")) for file in files):
        return read_birdclef(root)
    if any(file.uri == join(root, FILE_NAMES) for file in files):
        return read_named_files(root, files)
    return _class_folders(data, root, files)


def absolute(data: str) -> str:
    """The same source, named so that a process in another folder finds it too."""
    return data if is_installed_source(data) or not is_local(data) else escaped(str(Path(data).resolve()))


def check_is_there(data: str) -> None:
    """Look whether a place of this machine is there, without reading it; of another, its reader says so.

    Raises:
        SourceError: It is not.
    """
    if is_installed_source(data) or not is_local(data):
        return
    if is_listed(data):
        root_of(data)
    elif not local_path(data).is_file():
        raise SourceError(f"{data} is not a file: {_allowed()}")


def is_listed(data: str) -> bool:
    """Whether its recordings can be listed; those of a manifest may be anywhere."""
    return not data.endswith(_TABLES)


def root_of(data: str) -> str:
    """URI of the folder that a source which can be listed is; one with a name is fetched where it is not there yet.

    Raises:
        SourceError: It is no folder, prefix or zip.
    """
    if is_installed_source(data):
        return str(fetched_folder(data))
    if is_s3(data):
        if data.endswith(".zip"):
            raise SourceError(f"{data}: a zip is read from a disk, not from S3: download or unpack it; {_allowed()}")
        return data.rstrip("/")
    if not is_local(data):
        return data
    path = local_path(data)
    if path.is_file() and path.suffix.lower() == ".zip":
        return zip_root(path)
    if not path.is_dir():
        raise SourceError(f"{data} is not a folder: {_allowed()}")
    return escaped(str(path.resolve()))


def _allowed() -> str:
    return (
        "--data takes a folder or s3://bucket/prefix in BirdCLEF's layout (train.csv, taxonomy.csv, train_audio/), "
        "Kaggle's birdclef-2025.zip, a folder or prefix with one folder a class, one with recordings named by class "
        f"and {FILE_NAMES}, a manifest (.csv or .parquet), {' or '.join(source_names())}"
    )


def _manifest(data: str) -> Source:
    if is_local(data) and not local_path(data).is_file():
        raise SourceError(f"{data} is not a file: {_allowed()}")
    if name_of(data) in ("train.csv", "taxonomy.csv"):
        raise SourceError(f"{data} is a table of BirdCLEF's layout: name the folder that it is in; {_allowed()}")
    return read_manifest(data)


def _unwrapped(root: str, files: list[StoredObject]) -> str:
    """Whoever zips a folder zips its name too: a single folder in which no recording lies is what is meant."""
    names = [name for name in names_below(root, files) if not is_by_product(name)]
    tops = {name.partition("/")[0] for name in names}
    inner = [name.partition("/")[2] for name in names]
    is_class = any(is_audio(name) and "/" not in name for name in inner) and FILE_NAMES not in inner
    if len(tops) != 1 or tops == {"train_audio"} or is_class:
        return root
    return _unwrapped(join(root, *tops), files) if all(inner) else root


def _class_folders(data: str, root: str, files: list[StoredObject]) -> Source:
    try:
        return read_class_folders(root, files)
    except SourceError as error:
        names = names_below(root, files)
        if not names:
            raise SourceError(f"{data} is no source of recordings: nothing lies there; {_allowed()}") from None
        loose = [name for name in names if is_audio(name) and "/" not in name]
        hint = f"{proposal(loose)}; " if loose else ""
        raise SourceError(f"{data} is no source of recordings: {error}; {hint}{_allowed()}") from error
