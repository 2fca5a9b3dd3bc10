"""Calibration: probabilities that match the share that is right, fitted on validation alone.

A window's probability goes through a monotone curve, sigmoid(scale * logit(p) + offset). Temperature scaling (Guo et
al., 2017) has one scale for all species, Platt scaling (Platt, 1999) one scale and one offset, and the shrunken form
a pair for each species that a ridge pulls towards the common one, so that a species with two recordings cannot have a
curve of its own. Which of them is used is decided by log-loss on validation recordings that it was not fitted on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["none", "temperature", "platt", "shrunken_platt"]
KINDS: tuple[Kind, ...] = ("none", "temperature", "platt", "shrunken_platt")
# Probabilities are moved off 0 and 1, where the logit has no value; also in the bundle's graph. Near 1 a float32 has
# few digits left, and what is rounding there would be magnified by the logit.
MIN_PROBABILITY = 1e-7
MAX_PROBABILITY = 1.0 - 1e-3
_EPSILON = 1e-6
_MIN_SCALE = 0.05
_NEWTON_STEPS = 25
_N_FOLDS = 5


class CalibrationConfig(BaseModel):
    """How probabilities are calibrated.

    Attributes:
        kind: `auto` takes what predicts unseen validation recordings best.
        prior_strength: How many recordings' worth of evidence a species must bring against the common curve.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: Literal["auto", "none", "temperature", "platt", "shrunken_platt"] = "auto"
    prior_strength: float = Field(10.0, gt=0)


class Calibration(BaseModel):
    """A fitted curve for each class; increasing, so that it never changes the order within a species.

    Attributes:
        kind: Form of the curve.
        scale: One a class, above 0.
        offset: One a class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Kind
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @classmethod
    def none(cls, n_classes: int) -> Calibration:
        """The curve that changes nothing."""
        return cls(kind="none", scale=(1.0,) * n_classes, offset=(0.0,) * n_classes)

    def __call__(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Any (…, n_classes) to the same shape."""
        if self.kind == "none":
            return np.asarray(probabilities, np.float64)
        return np.asarray(
            scipy.special.expit(np.array(self.scale) * _logit(probabilities) + np.array(self.offset)), np.float64
        )


@dataclass(frozen=True)
class CalibrationFit:
    """A calibration with its evidence.

    Attributes:
        calibration: Fitted on all of validation.
        log_loss: Log-loss by kind, on validation recordings that the curve was not fitted on.
        out_of_fold: Validation probabilities by curves that had not seen the recording, (n_windows, n_classes): what
            may be shown as the calibrated validation result.
    """

    calibration: Calibration
    log_loss: dict[str, float]
    out_of_fold: NDArray[np.float64]


def fit_calibration(
    probabilities: NDArray[np.floating],
    target: NDArray[np.floating],
    recording: NDArray[np.integer],
    recording_ids: Sequence[str],
    config: CalibrationConfig,
) -> CalibrationFit:
    """Fit on validation windows; every recording weighs the same, however long it is.

    Args:
        probabilities: The ensemble's predictions, (n_windows, n_classes).
        target: Labels of each window's recording, 0 or 1, of the same shape.
        recording: Position of each window's recording, (n_windows,).
        recording_ids: One a recording; they decide the folds, whatever the order.
        config: Kind of the calibration.
    """
    weight = 1.0 / np.bincount(recording)[recording]
    fold = np.array([hashlib.sha256(name.encode()).digest()[0] % _N_FOLDS for name in recording_ids])[recording]
    kinds = KINDS if config.kind == "auto" else (config.kind,)
    unseen = {kind: _cross_fitted(kind, probabilities, target, weight, fold, config) for kind in kinds}
    losses: dict[str, float] = {kind: _log_loss(values, target, weight) for kind, values in unseen.items()}
    best = min(kinds, key=lambda kind: losses[kind])
    fitted = _fit(best, probabilities, target, weight, config.prior_strength)
    return CalibrationFit(fitted, losses, unseen[best])


def expected_calibration_error(
    probabilities: NDArray[np.floating], happened: NDArray[np.bool_], n_bins: int = 10
) -> float:
    """ECE: how far confidence stands from the share that is right, weighted over bins of equal width.

    Source: Naeini, Cooper and Hauskrecht (2015).

    Args:
        probabilities: Probabilities of any shape.
        happened: Whether each came true, of the same shape.

    Returns:
        Not a number where there is nothing to bin, or where a probability is no number.
    """
    values = np.asarray(probabilities, np.float64)
    if not values.size or not np.isfinite(values).all():
        return float("nan")
    bins = _bins(probabilities, happened, n_bins)
    return float(sum(abs(one.mean_probability - one.right_share) * one.recordings_share for one in bins))


@dataclass(frozen=True)
class ReliabilityBin:
    """One point of the reliability picture.

    Attributes:
        mean_probability: Mean probability of what is in the bin.
        right_share: Share of it that came true.
        recordings_share: Share of all that is in it.
    """

    mean_probability: float
    right_share: float
    recordings_share: float


def reliability(
    probabilities: NDArray[np.floating], happened: NDArray[np.bool_], n_bins: int = 10
) -> list[ReliabilityBin]:
    """The bins of the reliability picture that hold something."""
    return _bins(probabilities, happened, n_bins)


def _bins(probabilities: NDArray[np.floating], happened: NDArray[np.bool_], n_bins: int) -> list[ReliabilityBin]:
    values, truth = np.asarray(probabilities, np.float64).ravel(), np.asarray(happened, bool).ravel()
    which = np.minimum((values * n_bins).astype(int), n_bins - 1)
    rows = [which == number for number in range(n_bins)]
    return [
        ReliabilityBin(float(values[row].mean()), float(truth[row].mean()), float(row.mean()))
        for row in rows
        if row.any()
    ]


def _logit(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(
        scipy.special.logit(np.clip(np.asarray(probabilities, np.float64), MIN_PROBABILITY, MAX_PROBABILITY))
    )


def _log_loss(probabilities: NDArray[np.floating], target: NDArray[np.floating], weight: NDArray[np.float64]) -> float:
    values = np.clip(probabilities, _EPSILON, 1.0 - _EPSILON)
    loss = -(target * np.log(values) + (1 - target) * np.log1p(-values)).sum(axis=1)
    return float((loss * weight).sum() / weight.sum())


def _cross_fitted(
    kind: Kind,
    probabilities: NDArray[np.floating],
    target: NDArray[np.floating],
    weight: NDArray[np.float64],
    fold: NDArray[np.integer],
    config: CalibrationConfig,
) -> NDArray[np.float64]:
    unseen = np.asarray(probabilities, np.float64).copy()
    for number in np.unique(fold):
        rest, own = fold != number, fold == number
        if rest.any():
            curve = _fit(kind, probabilities[rest], target[rest], weight[rest], config.prior_strength)
            unseen[own] = curve(probabilities[own])
    return unseen


def _fit(
    kind: Kind,
    probabilities: NDArray[np.floating],
    target: NDArray[np.floating],
    weight: NDArray[np.float64],
    prior_strength: float,
) -> Calibration:
    n_classes = probabilities.shape[1]
    if kind == "none":
        return Calibration.none(n_classes)
    z = _logit(probabilities)
    scale, offset = _fit_common(z, target, weight, with_offset=kind != "temperature")
    scales, offsets = np.full(n_classes, scale), np.full(n_classes, offset)
    if kind == "shrunken_platt":
        scales, offsets = _fit_by_class(z, target, weight, scale, offset, prior_strength)
    return Calibration(kind=kind, scale=tuple(map(float, scales)), offset=tuple(map(float, offsets)))


def _fit_common(
    z: NDArray[np.float64], target: NDArray[np.floating], weight: NDArray[np.float64], *, with_offset: bool
) -> tuple[float, float]:
    """One scale, and one offset where wanted, for all classes: the least log-loss of all pairs."""

    def loss(raw: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, offset = np.exp(raw[0]), raw[1]
        p = scipy.special.expit(scale * z + offset)
        value = -scipy.special.xlogy(target, np.maximum(p, 1e-12)) - scipy.special.xlog1py(
            1 - target, -np.minimum(p, 1 - 1e-12)
        )
        error = (p - target) * weight[:, None]
        slope = np.array([(error * z).sum() * scale, error.sum() if with_offset else 0.0])
        return float((value * weight[:, None]).sum()) / weight.sum(), slope / weight.sum()

    # A million to one either way: beyond, every species would be named in every window, or none in any.
    bounds = [(np.log(_MIN_SCALE), np.log(20.0)), (-14.0, 14.0) if with_offset else (0.0, 0.0)]
    found = scipy.optimize.minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(np.exp(found.x[0])), float(found.x[1])


def _fit_by_class(
    z: NDArray[np.float64],
    target: NDArray[np.floating],
    weight: NDArray[np.float64],
    scale: float,
    offset: float,
    strength: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Newton's method for all classes at once; the ridge makes each class's problem strictly convex."""
    n_classes = z.shape[1]
    a, b = np.full(n_classes, scale), np.full(n_classes, offset)
    w = weight[:, None]
    for _ in range(_NEWTON_STEPS):
        p = scipy.special.expit(a * z + b)
        error, curve = w * (p - target), w * p * (1 - p)
        slope_a = (error * z).sum(axis=0) + strength * (a - scale)
        slope_b = error.sum(axis=0) + strength * (b - offset)
        aa, bb = (curve * z * z).sum(axis=0) + strength, curve.sum(axis=0) + strength
        ab = (curve * z).sum(axis=0)
        determinant = aa * bb - ab * ab
        step_a, step_b = (bb * slope_a - ab * slope_b) / determinant, (aa * slope_b - ab * slope_a) / determinant
        # A step of more than one is cut: far from the solution the quadratic model is not to be believed.
        size = np.maximum(1.0, np.maximum(np.abs(step_a), np.abs(step_b)))
        held = a - step_a / size < _MIN_SCALE
        # Where the scale is held, the offset alone is left to move.
        step_b = np.where(held, np.clip(slope_b / bb, -1.0, 1.0), step_b / size)
        a, b = np.maximum(a - step_a / size, _MIN_SCALE), b - step_b
    return a, b
