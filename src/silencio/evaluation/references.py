"""References: what a model has to beat before it is worth serving."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from silencio.data.shards import ShardSet
from silencio.features import FrontEnd
from silencio.taxonomy import ClassList


def majority_scores(training: ShardSet, n_recordings: int, classes: ClassList) -> NDArray[np.float64]:
    """Every recording gets the training frequency of each species: the most frequent one always wins.

    Returns:
        (n_recordings, n_classes).
    """
    counts = training.table["primary_label"].value_counts()
    frequency = np.array([counts.get(code, 0) for code in classes.codes], np.float64)
    return np.tile(frequency / frequency.sum(), (n_recordings, 1))


def mean_log_mel_scores(training: ShardSet, test_set: ShardSet, classes: ClassList) -> NDArray[np.float64]:
    """Logistic regression on the mean log-mel of a recording: its average spectrum, nothing of its course.

    Returns:
        (n_recordings, n_classes).
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    labels = training.table["primary_label"].to_numpy(str)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(_mean_log_mel(training), labels)
    scores = np.zeros((len(test_set), len(classes)))
    scores[:, [classes.index[code] for code in model.classes_]] = model.predict_proba(_mean_log_mel(test_set))
    return scores


def _mean_log_mel(shards: ShardSet) -> NDArray[np.float64]:
    front_end = FrontEnd(shards.spec)
    return np.stack(
        [front_end.log_mel(front_end.windows(waveform)).mean(axis=(0, 2), dtype=np.float64) for waveform in shards]
    )
