"""Write a bundle: one graph of all heads and the supervisor, held against the numbers that training saw."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from silencio import __version__
from silencio.bundle.graph import OUTPUT, Graph
from silencio.bundle.licences import licence_verdict
from silencio.bundle.load import Bundle, sha256_of
from silencio.bundle.manifest import (
    GRAPH,
    MANIFEST,
    MODEL_CARD,
    PARITY,
    BundleManifest,
    GraphInput,
    HeadEntry,
    Tolerances,
)
from silencio.bundle.model_card import model_card
from silencio.bundle.parity import Parity, ParityClip
from silencio.config import RunConfig
from silencio.data.shards import ShardSet
from silencio.errors import BundleError, ParityError
from silencio.evaluation.results import Evaluation
from silencio.features import FeatureSpec, FrontEnd
from silencio.models.head import Loss, probabilities
from silencio.models.weighted_average import WeightedAverage
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead
from silencio.training.fuse import Fusion

_INPUT_NAMES = ("log_mel", "waveform")


class EnsembleGraph(nn.Module):
    """Heads and supervisor as one module from named inputs to probabilities.

    Args:
        heads: Deployable heads.
        inputs: What each of them hears.
        losses: What each head's logits mean.
        supervisor: Joins their probabilities.
    """

    def __init__(
        self, heads: Sequence[nn.Module], inputs: Sequence[str], losses: Sequence[Loss], supervisor: WeightedAverage
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.input_of_head = list(inputs)
        self.losses = list(losses)
        self.supervisor = supervisor
        self.input_names = [name for name in _INPUT_NAMES if name in self.input_of_head]

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        """Inputs in the order of `input_names`, each (batch, …), to probabilities (batch, n_classes)."""
        named = dict(zip(self.input_names, values, strict=True))
        scores = [
            probabilities(head(named[name]), loss)
            for head, name, loss in zip(self.heads, self.input_of_head, self.losses, strict=True)
        ]
        return self.supervisor(scores)  # type: ignore[no-any-return]  # a module's call is untyped


def export_bundle(
    heads: Sequence[TrainedHead],
    fusion: Fusion,
    evaluation: Evaluation,
    development: Iterable[Path],
    licences: dict[str, int],
    config: RunConfig,
    classes: ClassList,
    parents: dict[str, str],
    directory: Path,
) -> BundleManifest:
    """Export, verify against training, and only then put the bundle in its place.

    Args:
        heads: In the order of `fusion.heads`.
        fusion: The supervisor.
        evaluation: Figures on the test part.
        development: Shards of training and validation; parity clips are validation recordings.
        licences: Licence texts of the training recordings, with how many have each.
        config: The resolved configuration.
        classes: The order of the outputs.
        parents: Where the bundle comes from (fingerprints, commit, image).
        directory: The bundle's folder; must not exist, or be empty.

    Raises:
        ParityError: The graph gives other numbers than the trained heads gave.
        BundleError: There is no validation recording short enough to be a parity clip.
    """
    parents = {**parents, "config_sha256": hashlib.sha256(config.to_yaml().encode()).hexdigest()}
    validation = ShardSet(development, config.features, "validation")
    modules = [head.module(config.features, classes) for head in heads]
    deployable = [module.deployable().eval() for module in modules]
    graph_module = EnsembleGraph(
        deployable, [module.input_name for module in modules], [head.config.loss for head in heads], fusion.module()
    ).eval()
    with tempfile.TemporaryDirectory(dir=_parent(directory), prefix=".bundle-") as temporary:
        work = Path(temporary) / "bundle"
        work.mkdir()
        inputs = _graph_inputs(graph_module.input_names, config.features)
        write_graph(graph_module, inputs, config.features, classes, work / GRAPH)
        graph = Graph(work / GRAPH, inputs, n_threads=1)
        tolerances = Tolerances()
        check_against_training(graph, heads, fusion, validation, tolerances.torch_to_onnx)
        _write_parity(graph, validation, config, classes, work / PARITY)
        entries = tuple(
            HeadEntry(
                name=head.name,
                kind=head.config.kind,
                input_name=module.input_name,
                weight=weight,
                n_parameters=sum(parameter.numel() for parameter in final.parameters()),
                config=head.config.model_dump(mode="json"),
            )
            for head, module, final, weight in zip(heads, modules, deployable, fusion.weights, strict=True)
        )
        manifest = BundleManifest(
            version=_version(parents, work / GRAPH),
            created_by=f"silencio {__version__}",
            spec=config.features,
            spec_sha256=config.features.sha256,
            inputs=inputs,
            classes=classes,
            classes_sha256=classes.sha256,
            heads=entries,
            supervisor={"kind": fusion.kind, "weights": fusion.weights},
            metrics={
                "validation": fusion.validation.to_dict(),
                "test": evaluation.rows["ensemble"].to_dict(),
                "test_by_row": {name: row.to_dict() for name, row in evaluation.rows.items()},
            },
            tolerances=tolerances,
            parents=parents,
            licences=licence_verdict(licences, entries),
            files={},
        )
        (work / MODEL_CARD).write_text(model_card(manifest), encoding="utf-8")
        files = {path.name: sha256_of(path) for path in sorted(work.iterdir())}
        manifest = manifest.model_copy(update={"files": files}).sealed()
        (work / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        Bundle(work).verify()
        if directory.exists():
            directory.rmdir()
        shutil.move(work, directory)
    return manifest


def write_graph(
    module: EnsembleGraph, inputs: tuple[GraphInput, ...], spec: FeatureSpec, classes: ClassList, path: Path
) -> None:
    """Export to ONNX with a dynamic batch, and write spec and classes into the graph itself.

    Args:
        module: In evaluation mode.
        inputs: Its inputs.
        spec: Whose sha256 the graph carries.
        classes: Whose codes the graph carries.
        path: The file.
    """
    # A traced batch of one would be taken for a constant.
    example = tuple(torch.zeros((2, *entry.shape), dtype=getattr(torch, entry.dtype)) for entry in inputs)
    batch = torch.export.Dim("batch", min=1, max=4096)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            example,
            dynamo=True,
            input_names=[entry.name for entry in inputs],
            output_names=[OUTPUT],
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise BundleError("torch.onnx.export returned no program")
    model = program.model_proto
    onnx.helper.set_model_props(
        model,
        {
            "spec_sha256": spec.sha256,
            "classes_sha256": classes.sha256,
            "codes": json.dumps(list(classes.codes)),
        },
    )
    onnx.save(model, path)


def check_against_training(
    graph: Graph, heads: Sequence[TrainedHead], fusion: Fusion, validation: ShardSet, tolerance: float
) -> float:
    """Hold the graph against what the heads said of validation right after training.

    Returns:
        The largest difference of a probability.

    Raises:
        ParityError: It is above the tolerance: the graph does not hold the trained weights.
    """
    front_end = FrontEnd(validation.spec)
    expected = np.tensordot(
        np.array(fusion.weights), np.stack([head.validation.probabilities for head in heads]), axes=1
    )
    recording = heads[0].validation.recording
    worst = 0.0
    for index, waveform in enumerate(validation):
        got = graph.run(front_end.features(waveform).inputs)
        worst = max(worst, float(np.abs(got - expected[recording == index]).max()))
        if not worst <= tolerance:
            raise ParityError(
                f"the exported graph differs by {worst:.2g} from what the trained heads said of "
                f"{validation.table['recording_id'][index]} (most allowed {tolerance:.0e}): it does not hold the "
                "trained weights"
            )
    return worst


def _graph_inputs(names: Sequence[str], spec: FeatureSpec) -> tuple[GraphInput, ...]:
    known = {
        "log_mel": GraphInput(name="log_mel", dtype="float32", shape=spec.log_mel_shape),
        "waveform": GraphInput(name="waveform", dtype="int16", shape=(spec.window_samples,)),
    }
    return tuple(known[name] for name in names)


def _write_parity(graph: Graph, validation: ShardSet, config: RunConfig, classes: ClassList, path: Path) -> None:
    front_end = FrontEnd(config.features)
    clips = []
    for source in _parity_paths(validation, config):
        encoded = Path(source["path"]).read_bytes()
        features = front_end(encoded).inputs
        clips.append(
            ParityClip(
                recording_id=source["recording_id"],
                encoded=encoded,
                log_mel=features["log_mel"],  # type: ignore[arg-type]  # the front end's dictionary is by name
                waveform=features["waveform"],  # type: ignore[arg-type]
                probabilities=graph.run(features),
            )
        )
    Parity(config.features.sha256, classes.codes, tuple(clips)).save(path)


def _parity_paths(validation: ShardSet, config: RunConfig) -> list[dict[str, str]]:
    """The shortest recordings of different species, as many as wanted."""
    table = validation.table.assign(size=[Path(path).stat().st_size for path in validation.table["path"]])
    table = table[table["size"] <= config.export.most_clip_bytes].sort_values(["size", "recording_id"])
    chosen = table.drop_duplicates("primary_label").head(config.export.n_parity_clips)
    if chosen.empty:
        raise BundleError(
            f"no validation recording has at most export.most_clip_bytes={config.export.most_clip_bytes} bytes"
        )
    return [{"recording_id": str(row.recording_id), "path": str(row.path)} for row in chosen.itertuples()]


def _version(parents: dict[str, str], graph: Path) -> str:
    """Short identity: the same parents and the same weights, the same version."""
    return hashlib.sha256(json.dumps([parents, sha256_of(graph)], sort_keys=True).encode()).hexdigest()[:12]


def _parent(directory: Path) -> Path:
    directory.parent.mkdir(parents=True, exist_ok=True)
    return directory.parent
