"""Silencio: wildlife recordings to species, one feature definition and one bundle from training to serving.

What is in `__all__` is public: docs/notebook.md shows it at work. Everything else may change from version to version.
"""

import os
from typing import TYPE_CHECKING

# Before anything loads OpenMP, which reads it once: its threads would spin while they wait for each other, and beside
# one other busy process on two cores an epoch would take several times as long. `make bench` has the figures.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from silencio.bundle import Bundle, BundleManifest
    from silencio.errors import (
        AudioError,
        BundleError,
        BundleIntegrityError,
        ConfigError,
        DataError,
        DecodeError,
        ParityError,
        SilencioError,
        StorageError,
    )
    from silencio.features import FeatureSpec
    from silencio.notebook import detect, load_bundle, predict, read_predictions
    from silencio.taxonomy import ClassList, Species

    __version__: str

_ERRORS = (
    "AudioError",
    "BundleError",
    "BundleIntegrityError",
    "ConfigError",
    "DataError",
    "DecodeError",
    "ParityError",
    "SilencioError",
    "StorageError",
)

__all__ = [
    "AudioError",
    "Bundle",
    "BundleError",
    "BundleIntegrityError",
    "BundleManifest",
    "ClassList",
    "ConfigError",
    "DataError",
    "DecodeError",
    "FeatureSpec",
    "ParityError",
    "SilencioError",
    "Species",
    "StorageError",
    "__version__",
    "detect",
    "load_bundle",
    "predict",
    "read_predictions",
]


def __getattr__(name: str) -> object:
    """Import what is asked for, and nothing else: a server has no pandas, and `silencio --help` no time for NumPy."""
    if name == "__version__":
        from silencio.version import installed_version

        return installed_version()
    if name in _ERRORS:
        from silencio import errors

        return getattr(errors, name)
    if name in ("Bundle", "BundleManifest"):
        from silencio import bundle

        return getattr(bundle, name)
    if name == "FeatureSpec":
        from silencio.features import FeatureSpec

        return FeatureSpec
    if name in ("ClassList", "Species"):
        from silencio import taxonomy

        return getattr(taxonomy, name)
    if name in ("detect", "load_bundle", "predict", "read_predictions"):
        from silencio import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
