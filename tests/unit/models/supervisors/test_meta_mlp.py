import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from silencio.bundle.manifest import GraphInput
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES as CLASSES
from silencio.evaluation.calibration import Calibration
from silencio.export.ensemble_graph import EnsembleGraph, write_graph
from silencio.features import FeatureSpec
from silencio.models.registry import supervisor_class
from silencio.models.supervisors.meta_mlp import MetaMlp, MetaMlpConfig
from silencio.models.supervisors.weighted_average import WeightedAverage

N_CLASSES = 12
DENSE = {"correction": "dense", "widths": (32, 16), "dropout": 0.3, "learning_rate": 1e-3}
QUICK = {"max_steps": 60, "n_folds": 3}


def reserve(n_recordings: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two heads: the first sure where it is wrong, for half of the classes."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(N_CLASSES, size=n_recordings)
    logits = rng.normal(size=(2, n_recordings, N_CLASSES))
    rows = np.arange(n_recordings)
    logits[0, rows, truth] += 2.0
    logits[1, rows, truth] += 3.0
    logits[0] *= 3.0
    shares = np.exp(logits)
    return (shares / shares.sum(axis=2, keepdims=True)).astype(np.float32), np.eye(N_CLASSES, dtype=np.float32)[truth]


def log_loss(shown: np.ndarray, target: np.ndarray) -> float:
    return float(-(target * np.log(np.maximum(shown, 1e-6))).sum(axis=1).mean())


def fit(scores: np.ndarray, target: np.ndarray, **settings: object) -> MetaMlp:
    return MetaMlp.fit(scores, target, MetaMlpConfig.model_validate({**QUICK, **settings}, strict=False), seed=0)


@pytest.mark.parametrize("correction", ["shared", "dense"])
def test_start__is_the_average_exactly(correction: str) -> None:
    scores = torch.from_numpy(reserve(5)[0])
    start = MetaMlp([0.3, 0.7], correction, (4,), N_CLASSES).eval()
    with torch.inference_mode():
        assert torch.allclose(start(scores), WeightedAverage([0.3, 0.7])(scores), atol=1e-5)


def test_start__keeps_the_sum_of_heads_that_judge_each_class_alone() -> None:
    scores = torch.tensor([[[0.9, 0.8, 0.1]], [[0.7, 0.6, 0.1]]])
    with torch.inference_mode():
        shown = MetaMlp([0.5, 0.5], "shared", (4,), 3).eval()(scores)
    assert torch.allclose(shown, torch.tensor([[0.8, 0.7, 0.1]]), atol=1e-5)


def test_fit__learns_whom_to_believe_on_new_recordings() -> None:
    supervisor = fit(*reserve(80))
    scores, target = reserve(500, seed=1)
    average = WeightedAverage(supervisor.weights).combine(scores)
    assert log_loss(supervisor.combine(scores), target) < 0.95 * log_loss(average, target)


@pytest.mark.parametrize("settings", [{}, DENSE], ids=["shared", "dense"])
def test_fit__on_labels_that_follow_nothing_stays_near_the_average(settings: dict[str, object]) -> None:
    # What a dense stacking does not survive: it learns forty recordings by heart.
    rng = np.random.default_rng(0)
    scores, target = reserve(40)
    supervisor = fit(scores, target[rng.permutation(40)], **settings)
    new, truth = reserve(300, seed=1)
    shuffled = truth[rng.permutation(300)]
    assert log_loss(supervisor.combine(new), shuffled) < 1.1 * log_loss(
        WeightedAverage([0.5, 0.5]).combine(new), shuffled
    )


def test_fit__same_seed_same_network() -> None:
    one, two = (fit(*reserve(30), dropout=0.2) for _ in range(2))
    assert one.facts() == two.facts()


def test_fit__leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fit(*reserve(20))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("settings", [{}, DENSE], ids=["shared", "dense"])
def test_restore__is_bit_equal_after_a_way_through_json(settings: dict[str, object]) -> None:
    scores, target = reserve(40)
    supervisor = fit(scores, target, **settings)
    assert supervisor_class("meta_mlp") is MetaMlp
    restored = MetaMlp.restore(json.loads(json.dumps(supervisor.facts()))).eval()
    assert np.array_equal(restored.combine(scores), supervisor.combine(scores))


@pytest.mark.parametrize("correction", ["shared", "dense"])
def test_graph__gives_the_numbers_of_torch(correction: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    n_classes = len(CLASSES)
    supervisor = MetaMlp([0.4, 0.6], correction, (8,), n_classes).eval()
    for parameter in supervisor.parameters():
        nn.init.normal_(parameter, std=0.3)
    ear = GraphInput(name="embedding:ear", dtype="float32", shape=(6,))
    module = EnsembleGraph(
        [nn.Linear(6, n_classes), nn.Linear(6, n_classes)],
        [["embedding:ear"]] * 2,
        ["cross_entropy", "focal"],
        supervisor,
        Calibration.none(n_classes),
    ).eval()
    write_graph(module, (ear,), FeatureSpec(), CLASSES, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for n_windows in (1, 5):
        x = torch.randn(n_windows, 6)
        with torch.inference_mode():
            wanted = module(x).numpy()
        assert np.abs(session.run(None, {"embedding:ear": x.numpy()})[0] - wanted).max() < 1e-5
