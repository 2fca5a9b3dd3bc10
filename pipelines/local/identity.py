"""What a finished step depends on beside its arguments: code, libraries, and which recordings a manifest may name.

A step is taken up by a later start only if all of it is the same; see `pipelines.local.resume`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path

import components
import silencio
from silencio.data.manifest_places import SETTING
from silencio.data.place_version import digest


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


def run_identity(image: str) -> str:
    """What all steps of a run have in common; where servers are is no part of it.

    Args:
        image: As `local_image`.
    """
    # Recordings that a manifest may no longer name are not taken from an earlier start; the demo's lie in the cache.
    return digest([image, *(os.environ.get(name, "") for name in (SETTING, "SILENCIO_CACHE"))])
