"""inputs_version: what a run reads is another when any of it was changed, wherever the run was started."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from silencio.config import resolve
from silencio.data.manifest_places import SETTING
from silencio.data.place_version import RUN_FOLDER, digest, named_files, place_version


def inputs_version_step(data: str, beside: str, config: str, overrides: Sequence[str]) -> str:
    """Names of files, their sizes and times of change (ETags on S3), hashed with the configuration; nothing is opened.

    Args:
        data: The recordings, as `ingest` or `list_archive` takes them.
        beside: Another place that is read: the ledger of an earlier run, or the bundle that scores; "" is none.
        config: The configuration, as YAML; "" is none.
        overrides: Values laid over it.

    Returns:
        Sixteen digits.

    Raises:
        ConfigError: The configuration cannot be used.
        StorageError: S3 does not answer, or a folder itself cannot be listed.
    """
    run_folder = os.environ.get(RUN_FOLDER)
    own = Path(run_folder) if run_folder else None
    # Where recordings are, and which ones a manifest may name.
    lines = [os.environ.get(name, "") for name in ("SILENCIO_S3_ENDPOINT", SETTING)]
    lines += [part for place in (data, beside) for part in (place, place_version(place, apart_from=own))]
    if config:
        # With every default written out: the same configuration in other words is the same.
        resolved = resolve(config, overrides=overrides)
        lines += [resolved.to_yaml(), *named_files(resolved.model_dump(mode="json"))]
    return digest(lines)[:16]
