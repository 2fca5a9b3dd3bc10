"""train_head: one head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from silencio.config import RunConfig
from silencio.data.backgrounds import BackgroundPool
from silencio.data.frames import read_frame
from silencio.data.recordings import read_class_list
from silencio.data.soft_labels import SoftLabels
from silencio.data.training_backgrounds import training_backgrounds
from silencio.errors import ConfigError
from silencio.registry.head_run import HeadRun
from silencio.reports import curve, page
from silencio.training.fit import fit_head


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: Its part of the configuration.
        head: Name of the head in the configuration.
        classes: The ordered class list.
        shards: Waveforms of training and validation, and of the pool where there is one.
        soundscapes: Unlabelled recordings, of whose training half something is mixed in; None: made noise is.
        record_as: Name of the head's own run in MLflow, where it is trained more than once; empty: the head's name.
        soft_labels: Targets that take the place of the labels (`silencio.steps.pseudo_label`); None: there are none.
        fold: Fold that it is trained without, of a split that is `cross_fit`; -1: it is trained on all that is for
            training.
    """

    config: RunConfig
    head: str
    classes: Path
    shards: Sequence[Path]
    soundscapes: Path | None = None
    record_as: str = ""
    soft_labels: Path | None = None
    fold: int = -1


@dataclass(frozen=True)
class Outputs:
    """What the step writes.

    Attributes:
        model: Folder of the trained head, with its probabilities for every validation window.
        report: Page about the course of training.
    """

    model: Path
    report: Path


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        metrics: For the run's page: metrics on validation, and the number of parameters.
        metadata: For the head's artifact: the head's name, also as what KFP calls the artifact, and when it was trained
            (`silencio.registry.head_record.Times`), which `register` keeps.
    """

    metrics: dict[str, float]
    metadata: dict[str, str]


def run(inputs: Inputs, outputs: Outputs) -> Outcome:
    """Train one head.

    Raises:
        ConfigError: The configuration has no such head: the graph was compiled for another one.
    """
    config, head = inputs.config, inputs.head
    if head not in config.heads:
        raise ConfigError(
            f"this pipeline was compiled with head {head!r}, the configuration has {', '.join(config.heads)}: "
            "compile it again for this configuration"
        )
    soft_labels = SoftLabels.load(inputs.soft_labels) if inputs.soft_labels else None
    fold = None if inputs.fold < 0 else inputs.fold
    record_as = inputs.record_as or (head if fold is None else f"{head} without fold {fold + 1}")
    with HeadRun(record_as, config.heads[head].model_dump(mode="json")) as head_run:
        result = fit_head(
            head,
            config,
            inputs.shards,
            read_class_list(inputs.classes),
            outputs.model,
            head_run.epoch,
            soft_labels,
            _backgrounds(inputs),
            fold,
        )
        metrics = {
            "validation_macro_map": round(result.validation.macro_map, 4),
            "validation_top1": round(result.validation.top1, 4),
            "parameters": result.n_parameters,
            "trained_parameters": result.n_trained_parameters,
        }
        head_run.result(metrics)
        head_run.save(outputs.model)
    page(
        f"Head {head}",
        [
            f"{result.n_parameters:,} parameters, {result.n_trained_parameters:,} of them trained. "
            f"On {result.validation.n_recordings} validation recordings: macro mAP {result.validation.macro_map:.3f}, "
            f"top-1 {result.validation.top1:.3f}.",
            ("Training loss", curve(result.epoch_losses, "epoch", "loss")),
        ],
        outputs.report,
    )
    return Outcome(metrics, {"display_name": head, "head": head, "times": head_run.times.to_json()})


def _backgrounds(inputs: Inputs) -> BackgroundPool | None:
    """What is mixed in; nothing is decoded where nothing is."""
    config = inputs.config
    if inputs.soundscapes is None or not config.heads[inputs.head].augment.background_probability:
        return None
    return training_backgrounds(read_frame(inputs.soundscapes), config.features)
