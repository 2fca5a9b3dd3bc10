"""package: a bundle in the place from which servers fetch it, under a name that its content gives."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import MANIFEST, SIGNATURE
from silencio.errors import BundleError, StorageError
from silencio.storage import download_folder, exists, join, list_objects, upload_folder


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        bundle: The bundle's folder.
        packages: Folder or `s3://` prefix of packaged bundles.
    """

    bundle: Path
    packages: str


def run(inputs: Inputs) -> str:
    """Copy the bundle, read it back and verify it; one that lies there whole is left as it is.

    Returns:
        Where it lies, with a slash at its end: KServe fetches whatever begins with the name.

    Raises:
        BundleError: It is not what was exported, has an empty file, or what lies there is not it.
        StorageError: The place does not answer, or cannot be written.
    """
    bundle = Bundle(inputs.bundle)
    bundle.verify()
    empty = [one.uri for one in list_objects(inputs.bundle) if one.size_bytes == 0]
    if empty:
        # KServe's storage initializer skips such objects, and the bundle would lack a file.
        raise BundleError(
            f"{Path(empty[0]).name} of bundle {bundle.manifest.version} is empty: servers would not fetch it"
        )
    uri = join(inputs.packages, f"{bundle.manifest.version}-{bundle.manifest.manifest_sha256[:12]}")
    if not _is_there(uri, inputs.bundle):
        upload_folder(inputs.bundle, uri)
        if not _is_there(uri, inputs.bundle):
            raise BundleError(f"{uri} does not hold bundle {bundle.manifest.version} after it was written: try again")
    return f"{uri.rstrip('/')}/"


def _is_there(uri: str, bundle: Path) -> bool:
    """Whether the very bundle can be fetched from there, whole and with its signature, if it has one."""
    if not exists(join(uri, MANIFEST)):
        return False
    with tempfile.TemporaryDirectory() as folder:
        fetched = Path(folder) / "bundle"
        try:
            download_folder(uri, fetched)
            Bundle(fetched).verify()
        except BundleError:
            return False
        except StorageError as error:
            raise StorageError(f"the packaged bundle cannot be read back: {error}") from error
        return all(_content(fetched / name) == _content(bundle / name) for name in (MANIFEST, SIGNATURE))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
