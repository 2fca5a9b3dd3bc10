"""What a user would reach for instead of training anything: a linear classifier on a frozen encoder."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from silencio.data.shards import ShardSet
from silencio.taxonomy import ClassList

_C = 10.0


def encoder_regression(
    name: str, training: ShardSet, test_set: ShardSet, classes: ClassList
) -> dict[str, NDArray[np.float64]]:
    """Logistic regression on an encoder's mean embedding of a recording, at each of its speeds alone and at all.

    At normal speed this is the plain regression that an ensemble has to beat.

    Args:
        name: Name of the encoder.
        training: Recordings to fit on.
        test_set: Recordings to test on.
        classes: The order of the scores.

    Returns:
        By name of the reference, (n_judged, n_classes).
    """
    speeds = training.encoders[name].spec.speeds
    fitted, predicted = _means(training, name), _means(test_set, name)
    labels = training.table["primary_label"].to_numpy(str)
    choices = {f"at speed {speed:g}": [number] for number, speed in enumerate(speeds)}
    if len(speeds) > 1:
        choices["at all speeds"] = list(range(len(speeds)))
    return {
        f"logistic regression on {name} {which}": EncoderRegression(fitted, labels, classes, len(speeds), numbers)(
            predicted
        )
        for which, numbers in choices.items()
    }


class EncoderRegression:
    """A logistic regression on embeddings, brought to signed roots of length 1; C = 10.

    Args:
        embeddings: (n_recordings, n_dimensions), of all speeds, one after another.
        labels: Labels of the recordings, (n_recordings,).
        classes: The order of the scores.
        n_speeds: Number of speeds of the encoder.
        numbers: Numbers of the speeds that are used.
    """

    def __init__(
        self,
        embeddings: NDArray[np.float64],
        labels: NDArray[np.str_],
        classes: ClassList,
        n_speeds: int,
        numbers: Sequence[int],
    ) -> None:
        self._n_speeds, self._numbers, self._n_classes = n_speeds, numbers, len(classes)
        self._model = LogisticRegression(C=_C, max_iter=5000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model.fit(self._features(embeddings), labels)
        self._columns = [classes.index[code] for code in self._model.classes_]

    def __call__(self, embeddings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of recordings or windows, (n, n_dimensions), to scores (n, n_classes)."""
        scores = np.zeros((len(embeddings), self._n_classes))
        scores[:, self._columns] = self._model.predict_proba(self._features(embeddings))
        return scores

    def _features(self, embeddings: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = embeddings.reshape(len(embeddings), self._n_speeds, -1).transpose(1, 0, 2)
        rooted = np.sign(parts) * np.sqrt(np.abs(parts))
        rooted = rooted / (np.linalg.norm(rooted, axis=2, keepdims=True) + 1e-9)
        return np.concatenate([rooted[number] for number in self._numbers], axis=1)


def _means(shards: ShardSet, name: str) -> NDArray[np.float64]:
    """Mean embeddings of recordings, (n_recordings, n_dimensions)."""
    return np.stack([shards.embedding(name, index).mean(axis=0, dtype=np.float64) for index in range(len(shards))])
