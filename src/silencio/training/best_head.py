"""Is the ensemble worth it: held against the best of its heads, on recordings that neither was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

_MIN_PROBABILITY = 1e-9


@dataclass(frozen=True)
class BestHeadComparison:
    """The ensemble beside the best of its heads.

    Attributes:
        best: The head with the least log-loss.
        ensemble_is_better: Whether the ensemble is better by more than chance would give.
        evidence: Both in words: log-loss, top-1, and on how many recordings.
    """

    best: str
    ensemble_is_better: bool
    evidence: str


def compare_with_best_head(
    ensemble: NDArray[np.floating],
    heads: Mapping[str, NDArray[np.floating]],
    target: NDArray[np.floating],
    truth: NDArray[np.integer],
) -> BestHeadComparison:
    """Hold the ensemble against its best head by the one-standard-error rule (Breiman et al. 1984).

    The simpler model, one head, is taken unless the ensemble's log-loss is lower by more than one standard error of the
    difference, by recording: an ensemble that is no better is chosen one time in six, not one in two, and one that
    pays is seldom missed, for most of the noise is common to both. The log-loss is that after the temperature that
    suits each best, because calibration follows; top-1 decides nothing, it is too coarse for few recordings.

    Args:
        ensemble: The supervisor's predictions of recordings that it was not fitted on, (n_recordings, n_classes).
        heads: Each head's predictions of them, by name.
        target: Multi-label, (n_recordings, n_classes).
        truth: Position of each recording's primary label, (n_recordings,).
    """
    losses = {name: _calibrated_losses(scores, target) for name, scores in heads.items()}
    best = min(losses, key=lambda name: float(losses[name].mean()))
    pooled = _calibrated_losses(ensemble, target)
    gain = losses[best] - pooled
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
    evidence = (
        f"log-loss {pooled.mean():.3f} against {losses[best].mean():.3f} (difference {gain.mean():.3f}, standard error "
        f"{error:.3f}), top-1 {np.mean(ensemble.argmax(axis=1) == truth):.3f} against "
        f"{np.mean(heads[best].argmax(axis=1) == truth):.3f}, on {len(gain)} held-out recordings"
    )
    return BestHeadComparison(best, bool(gain.mean() > error), evidence)


def _calibrated_losses(scores: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-loss of each recording's labelled classes after one temperature, which is fitted here: one number."""
    logarithms = np.log(np.maximum(np.asarray(scores, np.float64), _MIN_PROBABILITY))
    share = target / np.maximum(target.sum(axis=1, keepdims=True), _MIN_PROBABILITY)

    def losses(log_sharpness: float) -> NDArray[np.float64]:
        sharpened = np.exp(log_sharpness) * logarithms
        highest = sharpened.max(axis=1, keepdims=True)
        total = highest + np.log(np.exp(sharpened - highest).sum(axis=1, keepdims=True))
        return np.asarray((share * (total - sharpened)).sum(axis=1))

    found = scipy.optimize.minimize_scalar(lambda x: float(losses(x).mean()), bounds=(-3.0, 3.0), method="bounded")
    return losses(float(found.x))
