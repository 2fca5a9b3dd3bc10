"""Import everything that servers and tools may import, so that its bytecode lies in the image.

Where an image runs, nothing can be written, and each start would compile some thousand files anew. A module of
`serving` that cannot be imported ends the build: the requirements lack something. Rooms of the library that train need
packages that serving images do not have, and are left out.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

import serving
import silencio

# Imported when a bundle is loaded, a server starts or a row is written.
_LATER = (
    "ai_edge_litert.interpreter",
    "grpc.aio",
    "httptools",
    "onnxruntime",
    "pyarrow.parquet",
    "scipy.fft",
    "scipy.signal",
    "soundfile",
    "soxr",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)


def _import_all(package: ModuleType) -> list[str]:
    """Import a package's modules, and return those that cannot be."""
    missing = []
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=lambda name: None):
        if module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            missing.append(f"{module.name}: {error}")
    return missing


def main() -> int:
    """Returns 1 where a module that serves cannot be imported."""
    for name in _LATER:
        importlib.import_module(name)
    missing = _import_all(serving)
    for line in missing:
        sys.stderr.write(f"error: {line}\n")
    _import_all(silencio)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
