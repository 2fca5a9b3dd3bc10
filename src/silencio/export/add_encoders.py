"""Encoders go into the bundle with the graph that takes their embeddings."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from silencio.bundle.manifest import EncoderEntry
from silencio.data.embeddings import window_sha256
from silencio.data.shards import ShardEncoder
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import encoder_file, known_encoder
from silencio.encoders.weights import weights_sha256
from silencio.errors import BundleError
from silencio.features import FeatureSpec


def add_encoders(
    head_encoders: Sequence[Mapping[str, ShardEncoder]],
    configured: Mapping[str, EncoderConfig],
    spec: FeatureSpec,
    directory: Path,
) -> tuple[EncoderEntry, ...]:
    """Copy the files of all encoders whose embeddings heads take into a bundle.

    Args:
        head_encoders: For each head, the encoders whose embeddings it was trained on.
        configured: Encoders of the configuration, which name their files.
        spec: How windows are cut.
        directory: The bundle's folder.

    Returns:
        Their entries of bundle.json, by name.

    Raises:
        BundleError: An encoder here is not the one that training used.
        PretrainedWeightsError: Its weights are not here.
    """
    entries = []
    for name, one in sorted({name: one for head in head_encoders for name, one in head.items()}.items()):
        known, source = known_encoder(name), encoder_file(name, configured.get(name, EncoderConfig()))
        if one.spec.identity(weights_sha256(source), window_sha256(spec)) != one.identity:
            raise BundleError(f"the weights of {name} here ({source.name}) are not those that training used")
        entry = EncoderEntry(
            **one.spec.model_dump(),
            file=f"encoders/{name}{source.suffix}",
            title=known.title,
            licence=known.licence,
            source=known.weights.address or known.weights.package or known.weights.file_name,
        )
        (directory / "encoders").mkdir(exist_ok=True)
        shutil.copyfile(source, directory / entry.file)
        entries.append(entry)
    return tuple(entries)
