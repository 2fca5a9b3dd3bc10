"""Every file of a source, on a disk on which some folders are the system's and closed to who reads the others."""

from __future__ import annotations

from silencio.errors import StorageError
from silencio.storage import StoredObject, is_by_product, list_objects


def list_source(root: str) -> list[StoredObject]:
    """Every file below a folder, a prefix or a zip; a system's folder that cannot be listed is passed over.

    A volume of Kubernetes that is an ext4 disk has a `lost+found`, which is root's, and pods are not run by root. Any
    other folder may hold recordings: training without them would go unnoticed.

    Args:
        root: As `root_of` gives it.

    Raises:
        StorageError: The place does not answer, or a folder that is not a system's cannot be listed.
    """

    def refuse(uri: str, error: StorageError) -> None:
        if not is_by_product(f"{uri.removeprefix(root).lstrip('/')}/"):
            raise error

    return list_objects(root, refuse)
