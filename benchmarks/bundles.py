"""The bundle that benchmarks with a trained model measure, and what is kept of it with their results."""

from __future__ import annotations

import os
from pathlib import Path

from silencio.bundle import Bundle
from silencio.bundle.manifest import MANIFEST
from silencio.bundle.placeholder import write_placeholder_bundle

VARIABLE = "SILENCIO_BENCH_BUNDLE"
# What training left here.
_TRAINED = ("out/reserve/bundle", "out/demo/bundle")
PLACES = f"{' or '.join(_TRAINED)}, nor in {VARIABLE}"


def trained_bundle() -> Path | None:
    """That of the environment, or what a run left in `out/`; None where there is none."""
    names = (os.environ.get(VARIABLE, ""), *_TRAINED)
    return next((Path(name) for name in names if name and (Path(name) / MANIFEST).is_file()), None)


def measured_bundle(folder: Path) -> Path:
    """The trained one, else one without a trained model, written to `folder`."""
    return trained_bundle() or write_placeholder_bundle(folder / "placeholder")


def identity(bundle: Path) -> dict[str, str]:
    """What `silencio registry benchmarks` holds against the bundle of a version."""
    manifest = Bundle(bundle).manifest
    return {"version": manifest.version, "manifest_sha256": manifest.manifest_sha256}
