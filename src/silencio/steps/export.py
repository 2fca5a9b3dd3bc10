"""export: the bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from silencio.bundle.export import export_bundle
from silencio.config import RunConfig
from silencio.data.recordings import read_class_list, read_recordings
from silencio.evaluation.results import Evaluation
from silencio.training.fuse import Fusion
from silencio.training.heads import load_heads


def export_step(
    config: RunConfig,
    parents: Mapping[str, str],
    heads: Sequence[str],
    inputs: Mapping[str, str],
    development: Sequence[str],
    directory: str,
) -> str:
    """Export the bundle.

    Args:
        config: The resolved configuration.
        parents: What the bundle is made from.
        heads: Folders of the trained heads.
        inputs: Paths of `usable`, `fusion`, `evaluation` and `classes`.
        development: Shards of training and validation.
        directory: The bundle's folder.

    Returns:
        The bundle's version.
    """
    manifest = export_bundle(
        load_heads(heads, config),
        Fusion.load(Path(inputs["fusion"])),
        Evaluation.load(Path(inputs["evaluation"])),
        [Path(shard) for shard in development],
        licence_counts(Path(inputs["usable"])),
        config,
        read_class_list(Path(inputs["classes"])),
        dict(parents),
        Path(directory),
    )
    return manifest.version


def licence_counts(usable_path: Path) -> dict[str, int]:
    """Licence texts of the recordings, with how many have each."""
    counts = read_recordings(usable_path)["license"].value_counts()
    return {str(text): int(n) for text, n in counts.items()}
