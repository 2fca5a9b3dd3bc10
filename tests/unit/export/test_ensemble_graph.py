"""The calibration inside the graph gives the numbers of the one that was fitted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from silencio.bundle.manifest import Tolerances
from silencio.evaluation.calibration import Calibration
from silencio.export.ensemble_graph import CalibrationLayer

# All of them, and many near 0 and 1.
LOGITS = np.concatenate([np.linspace(-30, 30, 2001), np.linspace(-14, 14, 2001)])
PROBABILITIES = (1.0 / (1.0 + np.exp(-LOGITS))).astype(np.float32)[:, None]


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.5, 0.0), (2.0, -3.0), (1.0, 4.0)])
def test_layer__equals_the_fitted_curve(scale: float, offset: float) -> None:
    curve = Calibration(kind="platt", scale=(scale,), offset=(offset,))
    found = CalibrationLayer(curve)(torch.from_numpy(PROBABILITIES)).numpy()
    assert np.abs(found - curve(PROBABILITIES)).max() < Tolerances().torch_to_onnx


@pytest.mark.parametrize("scale", [0.3, 0.2, 0.1])
def test_layer__forgives_a_very_sure_model_its_rounding(scale: float) -> None:
    curve = Calibration(kind="temperature", scale=(scale,), offset=(0.0,))
    # What another runtime's softmax may say: the next number below.
    other = np.nextafter(PROBABILITIES, np.float32(0.0))
    found = CalibrationLayer(curve)(torch.from_numpy(other)).numpy()
    assert np.abs(found - curve(PROBABILITIES)).max() < Tolerances().torch_to_onnx


def test_layer__of_none_changes_nothing() -> None:
    values = torch.tensor([[0.0, 1.0, 1e-9]])
    assert torch.equal(CalibrationLayer(Calibration.none(3))(values), values)


def test_layer__each_species_has_its_own_curve() -> None:
    curve = Calibration(kind="shrunken_platt", scale=(0.5, 2.0), offset=(1.0, -1.0))
    values = np.random.default_rng(0).random((3, 7, 2)).astype(np.float32)
    np.testing.assert_allclose(CalibrationLayer(curve)(torch.from_numpy(values)).numpy(), curve(values), atol=1e-6)
