"""The verdict on the test part, which is read here and nowhere else, once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from silencio.config import RunConfig
from silencio.data.shards import ShardSet, targets
from silencio.evaluation.metrics import Metrics, judge
from silencio.evaluation.recording_scores import recording_scores
from silencio.evaluation.references import majority_scores, mean_log_mel_scores
from silencio.taxonomy import ClassList
from silencio.training.checkpoint import TrainedHead
from silencio.training.fit import predict
from silencio.training.fuse import Fusion
from silencio.training.lightning_module import HeadModule


@dataclass(frozen=True)
class Evaluation:
    """Figures on the test part.

    Attributes:
        rows: By what was judged: `ensemble`, each head, and the references `majority class` and
            `logistic regression on mean log-mel`.
    """

    rows: dict[str, Metrics]

    def save(self, path: Path) -> None:
        """Keep as JSON."""
        path.write_text(json.dumps({name: m.to_dict() for name, m in self.rows.items()}, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """The inverse of `save`."""
        rows = json.loads(path.read_text(encoding="utf-8"))
        return cls({name: Metrics(**values) for name, values in rows.items()})


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
    return Evaluation({name: judge(one, target, primary, classes) for name, one in scores.items()})
