"""evaluate: the verdict on the test part, which is read here and nowhere else, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from silencio.config import RunConfig
from silencio.data.recordings import read_class_list
from silencio.data.shards import ShardSet, targets
from silencio.evaluation.metrics import judge
from silencio.evaluation.recording_scores import recording_scores
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.evaluation.results import Evaluation, results_table
from silencio.reports import page
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead
from silencio.training.fit import predict
from silencio.training.fuse import Fusion
from silencio.training.heads import load_heads
from silencio.training.lightning_module import HeadModule


def evaluate_step(
    config: RunConfig,
    heads: Sequence[str],
    fusion_path: str,
    development: Sequence[str],
    test: Sequence[str],
    classes_path: str,
    evaluation_path: str,
    report_path: str,
) -> dict[str, float]:
    """Judge on the test part.

    Returns:
        The ensemble's figures, for the run's page.
    """
    evaluation = evaluate_heads(
        load_heads(heads, config),
        Fusion.load(Path(fusion_path)),
        [Path(shard) for shard in development],
        [Path(shard) for shard in test],
        config,
        read_class_list(Path(classes_path)),
    )
    evaluation.save(Path(evaluation_path))
    ensemble = evaluation.rows["ensemble"]
    by_class = pd.DataFrame([{"taxon class": name, **figures} for name, figures in ensemble.by_class.items()])
    page(
        "Test recordings",
        [
            f"{ensemble.n_recordings} recordings of {ensemble.n_species} species that nothing was trained, chosen or "
            "tuned on.",
            results_table(evaluation),
            ("The ensemble by taxon class", by_class),
        ],
        Path(report_path),
    )
    flat = {f"top1_{name}": round(figures["top1"], 4) for name, figures in ensemble.by_class.items()}
    return {"test_macro_map": round(ensemble.macro_map, 4), "test_top1": round(ensemble.top1, 4), **flat}


def evaluate_heads(
    heads: Sequence[TrainedHead],
    fusion: Fusion,
    development: Iterable[Path],
    test: Iterable[Path],
    config: RunConfig,
    classes: ClassList,
) -> Evaluation:
    """Judge heads, ensemble and references on the test recordings.

    Args:
        heads: In the order of `fusion.heads`.
        fusion: The supervisor.
        development: Shards of training and validation, for the references that must be fitted.
        test: Shards of the test part.
        config: The resolved configuration.
        classes: The order of the outputs.
    """
    training = ShardSet(development, config.features, "train")
    judged = ShardSet(test, config.features, "test")
    target = targets(judged.table, classes.index)
    primary = judged.table["primary_label"]
    scores = {}
    for head in heads:
        module = HeadModule(head.module(config.features, classes), head.config, total_steps=0)
        windows = predict(module, judged)
        scores[head.name] = recording_scores(windows.probabilities, windows.recording)
    ensemble = np.tensordot(np.array(fusion.weights), np.stack([scores[name] for name in fusion.heads]), axes=1)
    scores = {
        "ensemble": ensemble,
        **scores,
        "logistic regression on mean log-mel": mean_log_mel_scores(training, judged, classes),
        "majority class": majority_scores(training, len(judged), classes),
    }
    answers = [
        {
            "recording_id": row.recording_id,
            "path": row.path,
            "primary_label": row.primary_label,
            "predicted": classes.codes[int(score.argmax())],
            "probability": float(score.max()),
        }
        for row, score in zip(judged.table.itertuples(), ensemble, strict=True)
    ]
    return Evaluation({name: judge(one, target, primary, classes) for name, one in scores.items()}, answers)
