"""export: the candidate bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from silencio.config import RunConfig
from silencio.data.frames import read_frame
from silencio.data.recordings import read_class_list, read_recordings
from silencio.data.versions import data_table
from silencio.export.bundle import Origin, export_bundle
from silencio.storage import write_atomically
from silencio.training.calibrate import DecisionRule
from silencio.training.ensemble import FittedEnsemble
from silencio.training.heads import load_heads


def export_step(
    config: RunConfig,
    parents: Mapping[str, str],
    heads: Sequence[str],
    inputs: Mapping[str, str],
    development: Sequence[str],
    directory: str,
    variants_path: str,
) -> str:
    """Export the bundle that the test set will judge.

    Args:
        config: What this step reads of the configuration.
        parents: What the bundle is made from.
        heads: Folders of the trained heads.
        inputs: Paths of `usable`, `assignment`, `ledger`, `fusion`, `decisions` and `classes`.
        development: Shards of training and validation.
        directory: The bundle's folder.
        variants_path: Gets sizes, times and metrics of fp32 and int8, as JSON.

    Returns:
        The bundle's version.
    """
    usable = read_recordings(Path(inputs["usable"]))
    origin = Origin(
        data=data_table(usable, read_frame(inputs["assignment"])),
        split_history=read_frame(inputs["ledger"]),
        licences=licence_counts(usable),
        parents=parents,
    )
    manifest, variants = export_bundle(
        load_heads(heads, config),
        FittedEnsemble.load(Path(inputs["fusion"])),
        DecisionRule.load(Path(inputs["decisions"])),
        [Path(shard) for shard in development],
        origin,
        config,
        read_class_list(Path(inputs["classes"])),
        Path(directory),
    )
    write_atomically(Path(variants_path), "{}" if variants is None else variants.model_dump_json(indent=1))
    return manifest.version


def licence_counts(usable: pd.DataFrame) -> dict[str, int]:
    """Licence texts of the recordings, with how many have each."""
    counts = usable["license"].value_counts()
    return {str(text): int(n) for text, n in sorted(counts.items())}
