"""export: the candidate bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from silencio.config import RunConfig
from silencio.data.frames import read_frame
from silencio.data.recordings import read_class_list, read_recordings
from silencio.data.versions import data_table
from silencio.export.bundle import Origin, export_bundle
from silencio.provenance import what_runs
from silencio.storage import write_atomically
from silencio.training.calibrate import DecisionRule
from silencio.training.ensemble import FittedEnsemble
from silencio.training.heads import load_heads


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        data_fingerprint: Identity of the recordings that the bundle is made from.
        split_sha256: Identity of their splits.
        pool_sha256: Identity of the soundscapes that were added; empty: none were.
        config_sha256: Identity of the settings that it is made with.
        classes: The ordered class list.
        usable: The recordings.
        assignment: Split of every recording.
        split_history: Split of every recording that this or an earlier run ever had.
        heads: Folders of the trained heads; one that is given twice counts once.
        ensemble: The fitted ensemble.
        decision_rule: Calibration and thresholds.
        development: Shards of training and validation; parity clips are validation recordings.
    """

    config: RunConfig
    data_fingerprint: str
    split_sha256: str
    pool_sha256: str
    config_sha256: str
    classes: Path
    usable: Path
    assignment: Path
    split_history: Path
    heads: Sequence[Path]
    ensemble: Path
    decision_rule: Path
    development: Sequence[Path]

    def parents(self) -> dict[str, str]:
        """Identities of what the bundle is made from, and of what runs."""
        made_from = {
            "data_fingerprint": self.data_fingerprint,
            "split_sha256": self.split_sha256,
            "pool_sha256": self.pool_sha256,
        }
        known = {name: identity for name, identity in made_from.items() if identity}
        return known | {"config_sha256": self.config_sha256} | what_runs()


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        candidate: The bundle's folder.
        variants: Sizes, times and metrics of fp32 and int8, as JSON.
    """

    candidate: Path
    variants: Path


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Export the bundle that will be evaluated.

    Returns:
        The bundle's version.

    Raises:
        ModelError: A head of the configuration was not handed on, or the graph does not reproduce the training.
    """
    usable = read_recordings(inputs.usable)
    origin = Origin(
        data=data_table(usable, read_frame(inputs.assignment)),
        split_history=read_frame(inputs.split_history),
        licences=licence_counts(usable),
        parents=inputs.parents(),
    )
    manifest, variants = export_bundle(
        load_heads(inputs.heads, inputs.config),
        FittedEnsemble.load(inputs.ensemble),
        DecisionRule.load(inputs.decision_rule),
        inputs.development,
        origin,
        inputs.config,
        read_class_list(inputs.classes),
        outputs.candidate,
    )
    write_atomically(outputs.variants, "{}" if variants is None else variants.model_dump_json(indent=1))
    return manifest.version


def licence_counts(usable: pd.DataFrame) -> dict[str, int]:
    """Licence texts of the recordings, with how many have each."""
    counts = usable["license"].value_counts()
    return {str(text): int(n) for text, n in sorted(counts.items())}
