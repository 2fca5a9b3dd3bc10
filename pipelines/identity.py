"""What a finished step depends on beside its arguments: code, libraries, recordings, and files that are named.

A step is taken up by a later start only if all of it is the same; see `pipelines.resume`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import components
import silencio
from silencio.data.manifest_places import SETTING
from silencio.data.place_version import digest, named_files
from silencio.registry.settings import Tracking

if TYPE_CHECKING:
    from silencio.config import RunConfig


def code_digest() -> str:
    """Of every file of the library and the components that run here."""
    digest = hashlib.sha256()
    for package in (silencio, components):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def environment_digest() -> str:
    """Of the interpreter, the machine's architecture, and name and version of every installed distribution."""
    folders = (Path(entry) for entry in sys.path if entry)
    installed = {path.name for folder in folders if folder.is_dir() for path in folder.glob("*.dist-info")}
    return digest([sys.version, platform.machine(), *sorted(installed)])


def local_image() -> str:
    """Stands for an image's digest where steps run without one: the code and the libraries that they run with."""
    return f"silencio/train:local-{digest([code_digest(), environment_digest()])[:12]}"


def run_identity(image: str, config: RunConfig) -> str:
    """What all steps of a run have in common.

    Args:
        image: As `local_image`.
        config: Files that it names (pretrained weights) count with size and time of change.

    Raises:
        ConfigError: The environment names no usable tracking server.
    """
    tracking = Tracking()
    # A run's id means nothing to another server; recordings are named by where they are.
    places = [tracking.uri, tracking.experiment]
    places += [os.environ.get(name, "") for name in ("SILENCIO_S3_ENDPOINT", "SILENCIO_CACHE", SETTING)]
    return digest([image, *places, *named_files(config.model_dump(mode="json"))])
