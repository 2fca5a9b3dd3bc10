"""train_head: one head."""

from __future__ import annotations

from collections.abc import Sequence
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


def train_step(
    config: RunConfig,
    head: str,
    shards: Sequence[str],
    classes_path: str,
    model_path: str,
    report_path: str,
    soft: SoftLabels | None = None,
    record_as: str = "",
    soundscapes_path: str = "",
) -> tuple[dict[str, float], str]:
    """Train one head.

    Args:
        config: What this step reads of the configuration.
        head: Name of the head in the configuration.
        shards: With the training and validation parts.
        classes_path: The ordered class list.
        model_path: Gets the trained head.
        report_path: Gets the course of training.
        soft: What a teacher says of recordings (`silencio.steps.pseudo_label`).
        record_as: Name of the head's own run in MLflow, where it is trained more than once; by default the head's.
        soundscapes_path: Unlabelled recordings, of whose training half something is mixed in; empty: made noise is.

    Returns:
        Validation figures, for the run's page; and when it was trained (`silencio.registry.head_record.Times`), for
        `register`.

    Raises:
        ConfigError: The configuration has no such head: the graph was compiled for another one.
    """
    if head not in config.heads:
        raise ConfigError(
            f"this pipeline was compiled with head {head!r}, the configuration has {', '.join(config.heads)}: "
            "compile it again for this configuration"
        )
    classes = read_class_list(Path(classes_path))
    with HeadRun(record_as or head, config.heads[head].model_dump(mode="json")) as head_run:
        paths = [Path(shard) for shard in shards]
        backgrounds = _backgrounds(config, head, soundscapes_path)
        result = fit_head(head, config, paths, classes, Path(model_path), head_run.epoch, soft, backgrounds)
        figures = {
            "validation_macro_map": round(result.validation.macro_map, 4),
            "validation_top1": round(result.validation.top1, 4),
            "parameters": result.n_parameters,
            "trained_parameters": result.n_trained_parameters,
        }
        head_run.result(figures)
        head_run.save(Path(model_path))
    page(
        f"Head {head}",
        [
            f"{result.n_parameters:,} parameters, {result.n_trained_parameters:,} of them trained. "
            f"On {result.validation.n_recordings} validation recordings: macro mAP {result.validation.macro_map:.3f}, "
            f"top-1 {result.validation.top1:.3f}.",
            ("Training loss", curve(result.epoch_losses, "epoch", "loss")),
        ],
        Path(report_path),
    )
    return figures, head_run.times.to_json()


def _backgrounds(config: RunConfig, head: str, soundscapes_path: str) -> BackgroundPool | None:
    """What is mixed in; nothing is decoded where nothing is."""
    if not soundscapes_path or not config.heads[head].augment.background_probability:
        return None
    return training_backgrounds(read_frame(soundscapes_path), config.features)
