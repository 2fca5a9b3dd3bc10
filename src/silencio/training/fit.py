"""Train one head and keep what the next steps need of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from silencio.config import RunConfig
from silencio.data.backgrounds import BackgroundPool
from silencio.data.leaks import recording_fingerprints
from silencio.data.shards import ShardSet, targets
from silencio.data.soft_labels import SoftLabels
from silencio.evaluation.metrics import Metrics, compute_metrics
from silencio.evaluation.recording_scores import recording_scores
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead
from silencio.training.distill import training_recordings
from silencio.training.loop import OnEpoch, predict, train_head
from silencio.training.stack import check_apart, predict_out_of_fold

__all__ = ["FitResult", "OnEpoch", "fit_head", "predict"]


@dataclass(frozen=True)
class FitResult:
    """What came of training a head."""

    validation: Metrics
    epoch_losses: list[float]
    n_parameters: int
    n_trained_parameters: int


def fit_head(
    name: str,
    config: RunConfig,
    shard_directories: Iterable[Path],
    classes: ClassList,
    directory: Path,
    on_epoch: OnEpoch | None = None,
    soft: SoftLabels | None = None,
    backgrounds: BackgroundPool | None = None,
    fold: int | None = None,
) -> FitResult:
    """Train head `name` on the training split, evaluate it on validation, and write both to `directory`.

    Where `config.stacking` asks for folds, the head is trained again without each of them, for what the supervisor
    learns from (`silencio.training.stack`). Where the split is `cross_fit`, one call trains without one fold, which is
    what it is evaluated on, or on all of them.

    Args:
        name: As configured in `config.heads`.
        config: The resolved configuration.
        shard_directories: Shards with the training and validation splits, and the pool where there is one.
        classes: The order of the outputs.
        directory: Gets the trained head (`silencio.training.checkpoint`).
        on_epoch: Called after each epoch.
        soft: A teacher's predictions of training recordings; they take the place of the labels of those they cover.
            Recordings of the pool (`silencio.data.unlabelled_pool`) which they cover are training recordings as well.
        backgrounds: What is mixed into training windows, of the train half; None: made noise.
        fold: Fold that it is trained without; None: the split has none, or it is trained on all.

    Raises:
        ModelError: The head cannot be made as configured, or training diverged.
    """
    directories = list(shard_directories)
    training = training_recordings(directories, config.features, classes, soft)
    if config.split.scheme == "cross_fit":
        training, validation = divided(training, fold)
    else:
        validation = ShardSet(directories, config.features, "validation")
    label = "" if fold is None else f"{name} without fold {fold + 1} of {config.split.n_folds}"
    trained = train_head(name, config, training, classes, on_epoch, soft, backgrounds, label=label)
    probabilities = predict(trained.module, validation)
    scores = recording_scores(probabilities.probabilities, probabilities.recording)
    metrics = compute_metrics(
        scores, targets(validation.table, classes.index), validation.table["primary_label"], classes
    )
    head, head_config = trained.module.head, config.heads[name]
    TrainedHead(
        name=name,
        config=head_config,
        spec_sha256=config.features.sha256,
        classes_sha256=classes.sha256,
        n_steps=trained.n_steps,
        state=head.state_dict(),
        validation=probabilities,
        epoch_losses=trained.epoch_losses,
        trained_on=recording_fingerprints(training.table),
        encoders={key: one for key, one in training.encoders.items() if key in head_config.encoder_names},
        out_of_fold=predict_out_of_fold(name, config, training, classes, soft, backgrounds),
        fold=fold,
    ).save(directory)
    sizes = [(p.numel(), p.requires_grad) for p in head.parameters()]
    return FitResult(metrics, trained.epoch_losses, sum(n for n, _ in sizes), sum(n for n, on in sizes if on))


def divided(recordings: ShardSet, fold: int | None) -> tuple[ShardSet, ShardSet]:
    """What a head of `cross_fit` is trained on, and what it predicts afterwards.

    Args:
        recordings: All of them, each with its `fold`.
        fold: Fold that is left out and predicted; None: none is left out, and the first one is predicted, by which
            the exported graph is known to hold the trained weights (`silencio.export`).

    Raises:
        ModelError: A recording, or its sound, is on both sides of a fold.
    """
    if fold is None:
        return recordings, recordings.subset((recordings.table["fold"] == 0).to_numpy())
    left_out = (recordings.table["fold"] == fold).to_numpy()
    rest, own = recordings.subset(~left_out), recordings.subset(left_out)
    check_apart(rest.table, own.table)
    return rest, own
