"""Write a bundle: one graph of all heads and the supervisor, held against the numbers that training saw."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from silencio.bundle.graph import Graph
from silencio.bundle.licences import licence_verdict
from silencio.bundle.load import Bundle
from silencio.bundle.manifest import (
    DATA,
    GRAPH,
    MANIFEST,
    MODEL_CARD,
    PARITY,
    REFERENCE,
    SPLIT_HISTORY,
    BundleManifest,
    EncoderEntry,
    GraphInput,
    HeadEntry,
    Tolerances,
)
from silencio.bundle.parity import Parity, ParityClip
from silencio.config import RunConfig
from silencio.data.shards import ShardSet
from silencio.errors import BundleError, ParityError
from silencio.export.add_encoders import add_encoders
from silencio.export.ensemble_graph import EnsembleGraph, write_graph
from silencio.export.model_card import model_card
from silencio.export.quantize import QuantizationReport
from silencio.export.reference import write_reference
from silencio.export.variants import released_variant
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import read_bytes, sha256_of, whole_folder
from silencio.taxonomy import ClassList
from silencio.training.calibrate import DecisionRule
from silencio.training.checkpoint import TrainedHead
from silencio.training.cross_fit import out_of_fold
from silencio.training.ensemble import FittedEnsemble
from silencio.version import installed_version


@dataclass(frozen=True)
class Origin:
    """Where a bundle comes from.

    Attributes:
        data: Every recording of the data set (`data.parquet`).
        split_history: The assignment that is handed to the next run (`split.parquet`).
        licences: Licence texts of the recordings, with how many have each.
        parents: Fingerprints, commit, image.
    """

    data: pd.DataFrame
    split_history: pd.DataFrame
    licences: Mapping[str, int]
    parents: Mapping[str, str]


def export_bundle(
    heads: Sequence[TrainedHead],
    ensemble: FittedEnsemble,
    decision_rule: DecisionRule,
    development: Iterable[Path],
    origin: Origin,
    config: RunConfig,
    classes: ClassList,
    directory: Path,
) -> tuple[BundleManifest, QuantizationReport | None]:
    """Export, verify against training, and only then put the bundle in its place.

    The test set is unknown here: its metrics come with the verdict (`silencio.export.seal`).

    Args:
        heads: Heads, at least those that `ensemble` combines; others have no part in the bundle.
        ensemble: The fitted ensemble.
        decision_rule: Calibration and thresholds.
        development: Shards of training and validation; parity clips are validation recordings, or of `cross_fit` those
            that the heads predicted right after training.
        origin: What the bundle was made from.
        config: The resolved configuration.
        classes: The order of the outputs.
        directory: The bundle's folder; must not exist, or be empty.

    Returns:
        bundle.json, and the metrics of fp32 and int8 where int8 was tried: they hold times, and would make every
        bundle another one.

    Raises:
        ParityError: The graph gives other numbers than the trained heads gave.
        BundleError: There is no validation recording short enough to be a parity clip, or the folder is not empty.
        StorageError: It cannot be written.
    """
    # Sorted: KFP hands a mapping on in any order, and the same bundle has the same bytes.
    parents = dict(sorted(origin.parents.items()))
    shards = list(development)
    every = ShardSet(shards, config.features)
    # Of `cross_fit` they were trained on: they show that the graph has the trained weights, and nothing else.
    validation = every.subset(every.table["recording_id"].isin(ensemble.as_exported.recording_ids).to_numpy())
    named_heads = {head.name: head for head in heads}
    heads = [named_heads[name] for name in ensemble.heads]
    modules = [head.module(config.features, classes) for head in heads]
    deployable = [module.deployable().eval() for module in modules]
    graph_module = EnsembleGraph(
        deployable,
        [module.input_names for module in modules],
        [head.config.loss for head in heads],
        ensemble.module(),
        decision_rule.calibration,
    ).eval()
    require_free(directory)
    with whole_folder(directory) as work:
        encoders = add_encoders([head.encoders for head in heads], config.encoders, config.features, work)
        inputs = _graph_inputs(graph_module.input_names, config.features, encoders)
        write_graph(graph_module, inputs, config.features, classes, work / GRAPH)
        graph = Graph(work / GRAPH, inputs, n_threads=1)
        probabilities = validation_probabilities(graph, validation)
        check_against_training(probabilities, ensemble, decision_rule, Tolerances().torch_to_onnx)
        training = ShardSet(shards, config.features, "train")
        tolerances, variants = released_variant(work, inputs, training, validation, classes, config.export.quantize)
        is_int8 = variants is not None and variants.kept
        if is_int8:
            graph = Graph(work / GRAPH, inputs, n_threads=1)
            probabilities = validation_probabilities(graph, validation)
        _write_parity(
            validation, probabilities, _parity_sources(validation, origin.data, config), config, classes, work / PARITY
        )
        write_reference(
            *reference_of(every, validation, probabilities, ensemble, decision_rule), classes, work / REFERENCE
        )
        origin.data.to_parquet(work / DATA, index=False)
        origin.split_history.to_parquet(work / SPLIT_HISTORY, index=False)
        entries = _head_entries(heads, ["+".join(one.input_names) for one in modules], deployable, ensemble.weights)
        manifest = BundleManifest(
            version=_version(parents, work / GRAPH),
            created_by=f"silencio {installed_version()}",
            spec=config.features,
            spec_sha256=config.features.sha256,
            inputs=inputs,
            encoders=encoders,
            classes=classes,
            classes_sha256=classes.sha256,
            heads=entries,
            supervisor={"kind": ensemble.kind, "weights": ensemble.weights},
            calibration=decision_rule.calibration.model_dump(mode="json"),
            thresholds=dict(zip(classes.codes, decision_rule.thresholds.values, strict=True)),
            metrics={"validation": decision_rule.validation, "validation_calibration": decision_rule.calibration_error},
            precision="int8" if is_int8 else "fp32",
            tolerances=tolerances,
            parents=parents,
            licences=licence_verdict(dict(origin.licences), entries, encoders),
            files={},
        )
        manifest = write_manifest(manifest, work)
        Bundle(work).verify()
    return manifest, variants


def require_free(directory: Path) -> None:
    """Refuse to write a bundle over anything.

    Raises:
        BundleError: The folder holds something.
    """
    if directory.exists() and any(directory.iterdir()):
        raise BundleError(f"{directory} holds something already: a bundle is written into a new or an empty folder")


def write_manifest(manifest: BundleManifest, directory: Path) -> BundleManifest:
    """Write the model card and bundle.json, with the sha256 of every other file in the folder."""
    (directory / MODEL_CARD).write_text(model_card(manifest), encoding="utf-8")
    names = (path.relative_to(directory).as_posix() for path in sorted(directory.rglob("*")) if path.is_file())
    files = {name: sha256_of(directory / name) for name in names if name != MANIFEST}
    manifest = manifest.model_copy(update={"files": files}).sealed()
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    return manifest


def validation_probabilities(graph: Graph, validation: ShardSet) -> NDArray[np.float32]:
    """The graph's predictions of every validation window, (n_windows, n_classes)."""
    front_end = FrontEnd(validation.spec)
    return np.concatenate([graph.run(validation.inputs(index, front_end)) for index in range(len(validation))])


def check_against_training(
    probabilities: NDArray[np.floating], ensemble: FittedEnsemble, decision_rule: DecisionRule, tolerance: float
) -> float:
    """Compare the graph with the heads' predictions of validation right after training.

    Args:
        probabilities: The graph's probabilities, (n_windows, n_classes).
        ensemble: The heads' predictions, combined.
        decision_rule: How that is calibrated.
        tolerance: Largest difference of a probability that is rounding.

    Returns:
        The largest difference of a probability.

    Raises:
        ParityError: It is above the tolerance: the graph does not hold the trained weights.
    """
    trained = ensemble.as_exported
    difference = np.abs(probabilities - decision_rule.calibration(trained.probabilities)).max(axis=1)
    worst = int(difference.argmax())
    if not difference[worst] <= tolerance:
        name = trained.recording_ids[int(trained.recording[worst])]
        raise ParityError(
            f"the exported graph differs by {difference[worst]:.2g} from the trained heads' predictions of {name} "
            f"(most allowed {tolerance:.0e}): it does not hold the trained weights"
        )
    return float(difference[worst])


def reference_of(
    every: ShardSet,
    validation: ShardSet,
    probabilities: NDArray[np.floating],
    ensemble: FittedEnsemble,
    decision_rule: DecisionRule,
) -> tuple[ShardSet, NDArray[np.floating]]:
    """Recordings with predictions by models that had not seen them: the bundle's reference.

    Args:
        every: All recordings of the shards.
        validation: The validation recordings.
        probabilities: The graph's predictions of their windows, (n_windows, n_classes).
        ensemble: The fitted ensemble; where it has folds, these predict.
        decision_rule: How they are calibrated.
    """
    if not ensemble.folds:
        return validation, probabilities
    unseen = out_of_fold(ensemble, decision_rule)
    known = every.subset(every.table["recording_id"].isin(unseen.recording_ids).to_numpy())
    return known, unseen.probabilities


def _head_entries(
    heads: Sequence[TrainedHead], inputs: Sequence[str], deployable: Sequence[nn.Module], weights: Sequence[float]
) -> tuple[HeadEntry, ...]:
    return tuple(
        HeadEntry(
            name=head.name,
            kind=head.config.kind,
            input_name=input_name,
            weight=weight,
            n_parameters=sum(parameter.numel() for parameter in final.parameters()),
            config=head.config.model_dump(mode="json"),
        )
        for head, input_name, final, weight in zip(heads, inputs, deployable, weights, strict=True)
    )


def _graph_inputs(names: Sequence[str], spec: FeatureSpec, encoders: Sequence[EncoderEntry]) -> tuple[GraphInput, ...]:
    known = {
        "log_mel": GraphInput(name="log_mel", dtype="float32", shape=spec.log_mel_shape),
        "waveform": GraphInput(name="waveform", dtype="int16", shape=(spec.window_samples,)),
        **{
            one.input_name: GraphInput(name=one.input_name, dtype="float32", shape=(one.n_dimensions,))
            for one in encoders
        },
    }
    return tuple(known[name] for name in names)


def _write_parity(
    validation: ShardSet,
    probabilities: NDArray[np.float32],
    sources: list[dict[str, str]],
    config: RunConfig,
    classes: ClassList,
    path: Path,
) -> None:
    """Clips with the graph's predictions of them; whoever loads the bundle comes to it through the encoders."""
    front_end = FrontEnd(config.features)
    ids = list(validation.table["recording_id"])
    ends = np.cumsum([validation.n_windows(index) for index in range(len(validation))])
    clips = []
    for source in sources:
        encoded = read_bytes(source["path"])
        features = front_end(encoded).inputs
        number = ids.index(source["recording_id"])
        clips.append(
            ParityClip(
                recording_id=source["recording_id"],
                encoded=encoded,
                log_mel=features["log_mel"],  # type: ignore[arg-type]  # the front end's dictionary is by name
                waveform=features["waveform"],  # type: ignore[arg-type]
                probabilities=probabilities[ends[number] - validation.n_windows(number) : ends[number]],
            )
        )
    Parity(config.features.sha256, classes.codes, tuple(clips)).save(path)


def _parity_sources(validation: ShardSet, data: pd.DataFrame, config: RunConfig) -> list[dict[str, str]]:
    """The shortest validation recordings of different species, as many as wanted."""
    table = validation.table.merge(data[["recording_id", "size_bytes"]], on="recording_id", validate="one_to_one")
    table = table[table["size_bytes"] <= config.export.max_clip_bytes].sort_values(["size_bytes", "recording_id"])
    chosen = table.drop_duplicates("primary_label").head(config.export.n_parity_clips)
    if chosen.empty:
        raise BundleError(
            f"no validation recording has at most export.max_clip_bytes={config.export.max_clip_bytes} bytes"
        )
    return [{"recording_id": str(row.recording_id), "path": str(row.path)} for row in chosen.itertuples()]


def _version(parents: Mapping[str, str], graph: Path) -> str:
    """Short identity: the same parents and the same weights, the same version."""
    return hashlib.sha256(json.dumps([parents, sha256_of(graph)], sort_keys=True).encode()).hexdigest()[:12]
