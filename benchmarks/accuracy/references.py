"""What a user would reach for instead of training anything: a linear classifier on a frozen encoder."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from silencio.data.shards import ShardSet
from silencio.taxonomy import ClassList

_C = 10.0


def encoder_regression(
    name: str, heard: ShardSet, judged: ShardSet, classes: ClassList
) -> dict[str, NDArray[np.float64]]:
    """Logistic regression on an encoder's mean embedding of a recording, at each of its speeds alone and at all.

    Embeddings are brought to signed roots of length 1; C = 10. At normal speed this is the plain regression that
    an ensemble has to beat.

    Args:
        name: Of the encoder.
        heard: Recordings to fit on.
        judged: Recordings to judge.
        classes: The order of the scores.

    Returns:
        By name of the reference, (n_judged, n_classes).
    """
    speeds = heard.encoders[name].spec.speeds
    fitted, asked = _by_speed(heard, name, len(speeds)), _by_speed(judged, name, len(speeds))
    labels = heard.table["primary_label"].to_numpy(str)
    choices = {f"at speed {speed:g}": [number] for number, speed in enumerate(speeds)}
    if len(speeds) > 1:
        choices["at all speeds"] = list(range(len(speeds)))
    found = {}
    for which, numbers in choices.items():
        model = LogisticRegression(C=_C, max_iter=5000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(np.concatenate([fitted[number] for number in numbers], axis=1), labels)
        scores = np.zeros((len(judged), len(classes)))
        columns = [classes.index[code] for code in model.classes_]
        scores[:, columns] = model.predict_proba(np.concatenate([asked[number] for number in numbers], axis=1))
        found[f"logistic regression on {name} {which}"] = scores
    return found


def _by_speed(shards: ShardSet, name: str, n_speeds: int) -> NDArray[np.float64]:
    """Mean embeddings of recordings, (n_speeds, n_recordings, n_outputs)."""
    means = np.stack([shards.embedding(name, index).mean(axis=0, dtype=np.float64) for index in range(len(shards))])
    parts = means.reshape(len(shards), n_speeds, -1).transpose(1, 0, 2)
    rooted = np.sign(parts) * np.sqrt(np.abs(parts))
    return np.asarray(rooted / (np.linalg.norm(rooted, axis=2, keepdims=True) + 1e-9))
