"""fetch_champion: the bundle with which candidates are compared, while there is no work to lose."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from silencio.bundle.load import Bundle
from silencio.errors import BundleError, RegistryError
from silencio.registry.settings import NO_CHAMPION, REGISTRY, Tracking
from silencio.storage import download_folder, is_local

_NONE = "no-champion.txt"


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        champion: Folder or `s3://` prefix of a bundle; `registry` fetches MLflow's champion, `registry:ALIAS` (such as
            `registry:challenger`) the version that has another alias; `none` or empty is none.
    """

    champion: str


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        bundle: Folder of the bundle, or a folder without one.
    """

    bundle: Path


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Put the champion where later steps find it, so that they need no server.

    Returns:
        Version of the bundle and the beginning of its manifest's SHA-256: a number in the registry would be another
        bundle on another server, and a place may hold another one tomorrow. Empty where there is none.

    Raises:
        RegistryError: MLflow does not answer, or what it holds is not the champion that was registered.
        BundleError: The place holds no bundle, or not what was exported.
        StorageError: S3 does not answer, or has nothing there.
    """
    folder, champion = outputs.bundle, inputs.champion
    if not (_fetched(folder, _alias(champion)) if _alias(champion) else _copied(champion, folder)):
        folder.mkdir(parents=True, exist_ok=True)
        # Stores of objects keep no empty folder.
        (folder / _NONE).write_text("Candidates are compared with no champion.\n", encoding="utf-8")
        return ""
    manifest = Bundle(folder).manifest
    return f"{manifest.version} {manifest.manifest_sha256[:12]}"


def _alias(champion: str) -> str:
    """Of the version in MLflow that is meant; empty: it is a place, or none."""
    name, _, alias = champion.partition(":")
    if name != REGISTRY:
        return ""
    return alias or "champion"


def _fetched(folder: Path, alias: str) -> bool:
    database = Tracking().database
    if database and not database.exists():
        return False  # to ask would make it
    from silencio.registry.models import fetch  # MLflow takes seconds, and a folder needs none

    try:
        return fetch(alias, folder) is not None
    except (RegistryError, BundleError) as error:
        raise RegistryError(
            f"the {alias} cannot be had, with which the candidate is to be compared ({error}); or name its bundle "
            f"(--champion FOLDER), or compare with nothing (--champion {NO_CHAMPION})"
        ) from error


def _copied(champion: str, folder: Path) -> bool:
    if champion in ("", NO_CHAMPION):
        return False
    # Errors name the place that the user named.
    if is_local(champion):
        Bundle(Path(champion))
        shutil.copytree(champion, folder, dirs_exist_ok=True)
        return True
    download_folder(champion, folder)
    try:
        Bundle(folder)
    except BundleError as error:
        raise BundleError(f"{champion} holds no bundle that can be compared with: {error}") from error
    return True
