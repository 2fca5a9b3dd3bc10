"""Fit the supervisor on the heads' predictions of recordings that they were not trained on."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.config import RunConfig
from silencio.data.leaks import recording_fingerprints
from silencio.data.shards import targets
from silencio.errors import ModelError
from silencio.evaluation.metrics import Metrics, compute_metrics
from silencio.evaluation.recording_scores import recording_scores
from silencio.models.registry import supervisor_class
from silencio.models.supervisor import Supervisor
from silencio.models.supervisors.weighted_average import WeightedAverage
from silencio.storage import write_atomically
from silencio.taxonomy import ClassList
from silencio.training.best_head import compare_with_best_head
from silencio.training.checkpoint import TrainedHead, WindowProbabilities

_FACTS, _VALIDATION, _PARITY, _LEFT_OUT, _FOLDS = (
    "ensemble.json",
    "validation.npz",
    "parity.npz",
    "left-out.npz",
    "folds",
)
_N_FOLDS = 5
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FittedEnsemble:
    """A fitted supervisor.

    Attributes:
        kind: Name in the registry.
        heads: Names of the heads that count, in the order in which they are handed to it.
        weights: About how much each of them counts.
        parameters: Parameters of the supervisor.
        validation: How the ensemble does on validation, the recordings on which it was fitted; of `cross_fit`, on all
            recordings, each by heads that were trained without its fold.
        windows: The ensemble's predictions of every window of these.
        reason: Why it is these heads, in a sentence.
        parity: Predictions by the very heads that are exported, where those of `windows` are of heads of folds; None:
            `windows` are.
        folds: Ensembles of `cross_fit`, each fitted without one fold.
        left_out: Predictions of that fold by such an ensemble, whose heads were trained without it.
    """

    kind: str
    heads: list[str]
    weights: list[float]
    parameters: Mapping[str, Any]
    validation: Metrics
    windows: WindowProbabilities
    reason: str = ""
    parity: WindowProbabilities | None = None
    folds: tuple[FittedEnsemble, ...] = ()
    left_out: WindowProbabilities | None = None

    @property
    def as_exported(self) -> WindowProbabilities:
        """What the exported graph predicts of some recordings, before calibration."""
        return self.windows if self.parity is None else self.parity

    def save(self, directory: Path) -> None:
        """Write to a folder that `load` reads."""
        directory.mkdir(parents=True, exist_ok=True)
        self.windows.save(directory / _VALIDATION)
        for name, beside in ((_PARITY, self.parity), (_LEFT_OUT, self.left_out)):
            if beside is not None:
                beside.save(directory / name)
        for number, one in enumerate(self.folds):
            one.save(directory / _FOLDS / str(number))
        facts = {name: getattr(self, name) for name in ("kind", "heads", "weights", "parameters", "reason")}
        facts["validation"] = self.validation.to_dict()
        write_atomically(directory / _FACTS, json.dumps(facts, indent=1))

    @classmethod
    def load(cls, directory: Path) -> FittedEnsemble:
        """The inverse of `save`."""
        facts = json.loads((directory / _FACTS).read_text(encoding="utf-8"))
        facts["validation"] = Metrics(**facts["validation"])
        parity, left_out = (
            WindowProbabilities.load(directory / name) if (directory / name).exists() else None
            for name in (_PARITY, _LEFT_OUT)
        )
        numbers = sorted(int(path.name) for path in (directory / _FOLDS).glob("*"))
        return cls(
            **facts,
            windows=WindowProbabilities.load(directory / _VALIDATION),
            parity=parity,
            left_out=left_out,
            folds=tuple(cls.load(directory / _FOLDS / str(number)) for number in numbers),
        )

    def module(self) -> Supervisor[Any]:
        """The supervisor, ready to use."""
        return supervisor_class(self.kind).restore(self.parameters).eval()


def fit_ensemble(
    heads: Sequence[TrainedHead], recordings: pd.DataFrame, config: RunConfig, classes: ClassList
) -> FittedEnsemble:
    """Fit the supervisor, or take the best head where the ensemble is no better (`compare_with_best_head`).

    It learns from the heads' predictions of validation and, where stacked, of training recordings out of fold. Of heads
    with folds (`cross_fit`) it learns from all recordings, each predicted without its fold, and for each fold there is
    one more supervisor, which was fitted without it: by these all recordings can be evaluated.

    Args:
        heads: The trained heads, with their predictions.
        recordings: All of these with `recording_id`, `primary_label`, `secondary_labels`; `sha256` where known.
        config: The resolved configuration.
        classes: The order of the outputs.

    Raises:
        ModelError: The heads were evaluated on different recordings, or on some that they were trained on.
    """
    held_out = [head.held_out for head in heads]
    for head, predictions in zip(heads, held_out, strict=True):
        if predictions.recording_ids != held_out[0].recording_ids or len(head.folds) != len(heads[0].folds):
            raise ModelError(
                f"{head.name} and {heads[0].name} were evaluated on different recordings: train them again"
            )
    table = recordings.set_index("recording_id", drop=False)
    for head in heads:
        for one in head.folds or (head,):
            check_not_trained_on(one, table.loc[one.validation.recording_ids])
    names = [head.name for head in heads]
    if not heads[0].folds:
        shown = {head.name: head.validation for head in heads}
        return _ensemble(names, held_out, shown, table, config, classes)
    shown = dict(zip(names, held_out, strict=True))
    whole = _ensemble(names, held_out, shown, table, config, classes)
    return replace(
        whole,
        parity=_combined(whole, {head.name: head.validation for head in heads}),
        folds=tuple(_without_fold(number, heads, table, config, classes) for number in range(len(heads[0].folds))),
    )


def _ensemble(
    names: list[str],
    held_out: Sequence[WindowProbabilities],
    shown: Mapping[str, WindowProbabilities],
    table: pd.DataFrame,
    config: RunConfig,
    classes: ClassList,
) -> FittedEnsemble:
    """Fitted on `held_out`, with its predictions of `shown`: both of the heads, the latter by name."""
    supervisor, kept, reason = _fitted(names, held_out, table.loc[held_out[0].recording_ids], config, classes)
    windows = np.stack([shown[name].probabilities for name in kept])
    of = shown[kept[0]]
    validation = table.loc[of.recording_ids]
    combined = supervisor.combine(windows)
    _logger.info("%s", reason)
    return FittedEnsemble(
        kind=_kind_of(supervisor),
        heads=kept,
        weights=supervisor.weights,
        parameters=supervisor.facts(),
        validation=compute_metrics(
            recording_scores(combined, of.recording),
            targets(validation, classes.index),
            validation["primary_label"],
            classes,
        ),
        windows=WindowProbabilities(of.recording_ids, of.recording, combined),
        reason=reason,
    )


def _without_fold(
    number: int, heads: Sequence[TrainedHead], table: pd.DataFrame, config: RunConfig, classes: ClassList
) -> FittedEnsemble:
    """The supervisor as it would be without a fold, and what it says of that fold."""
    left_out = {head.name: head.folds[number].validation for head in heads}
    own = set(left_out[heads[0].name].recording_ids)
    every = {head.name: head.held_out for head in heads}
    rest = {name: one.of(set(one.recording_ids) - own) for name, one in every.items()}
    one = _ensemble(list(rest), list(rest.values()), rest, table, config, classes)
    return replace(one, left_out=_combined(one, left_out))


def _combined(ensemble: FittedEnsemble, predictions: Mapping[str, WindowProbabilities]) -> WindowProbabilities:
    of = predictions[ensemble.heads[0]]
    windows = np.stack([predictions[name].probabilities for name in ensemble.heads])
    return WindowProbabilities(of.recording_ids, of.recording, ensemble.module().combine(windows))


def check_not_trained_on(head: TrainedHead, validation: pd.DataFrame) -> None:
    """A head's predictions of what it was trained on show nothing of how it will do.

    Args:
        head: Trained head, with the fingerprints of its training recordings.
        validation: The recordings that it was evaluated on.

    Raises:
        ModelError: It was trained on one of them; the message names it.
    """
    trained_on = set(head.trained_on)
    if not trained_on.isdisjoint(recording_fingerprints(validation)):
        names = validation["recording_id"]
        name = next(n for n in names if trained_on & set(recording_fingerprints(validation[names == n])))
        raise ModelError(
            f"{head.name} was trained on {name}, on which it was also evaluated: no supervisor can learn from that; "
            "train it again"
        )


def _fitted(
    names: list[str],
    held_out: Sequence[WindowProbabilities],
    table: pd.DataFrame,
    config: RunConfig,
    classes: ClassList,
) -> tuple[Supervisor[Any], list[str], str]:
    """The supervisor, the heads that it combines, and why these."""
    target = targets(table, classes.index)
    scores = np.stack([recording_scores(one.probabilities, one.recording) for one in held_out])
    kind = supervisor_class(config.supervisor.kind)
    if len(names) > 1:
        compared = compare_with_best_head(
            _cross_fitted(held_out, scores, target, config),
            dict(zip(names, scores, strict=True)),
            target,
            np.array([classes.index[code] for code in table["primary_label"]]),
        )
        if not compared.ensemble_is_better and not config.stacking.keep_all_heads:
            reason = f"the ensemble of {', '.join(names)} is no better than {compared.best} alone, which is taken"
            return WeightedAverage([1.0]).eval(), [compared.best], f"{reason}: {compared.evidence}"
        verb = "beats" if compared.ensemble_is_better else "is kept as configured, though no better than"
        reason = f"the ensemble of {', '.join(names)} {verb} its best head, {compared.best}: {compared.evidence}"
    else:
        reason = f"there is one head, {names[0]}"
    return kind.fit(scores, target, config.supervisor, config.seed).eval(), names, reason


def _cross_fitted(
    held_out: Sequence[WindowProbabilities],
    scores: NDArray[np.floating],
    target: NDArray[np.floating],
    config: RunConfig,
) -> NDArray[np.float64]:
    """Supervisors' predictions of recordings that they were not fitted on, (n_recordings, n_classes).

    On those it was fitted on, a supervisor beats every head by definition. Each predicts what it would in the service:
    of windows, whose mean is the recording's score.
    """
    windows, recording = np.stack([one.probabilities for one in held_out]), held_out[0].recording
    fold = np.random.default_rng(config.seed).permutation(len(target)) % min(_N_FOLDS, len(target))
    combined = np.empty(windows.shape[1:], np.float32)
    kind = supervisor_class(config.supervisor.kind)
    for number in np.unique(fold):
        rest, left_out = (fold != number) | (len(target) == 1), fold[recording] == number
        supervisor = kind.fit(scores[:, rest], target[rest], config.supervisor, config.seed).eval()
        combined[left_out] = supervisor.combine(windows[:, left_out])
    return recording_scores(combined, recording)


def _kind_of(supervisor: Supervisor[Any]) -> str:
    """The name of its file, as it is registered."""
    return type(supervisor).__module__.rpartition(".")[2]
