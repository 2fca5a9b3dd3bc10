import numpy as np

from silencio.training.best_head import compare_with_best_head

N = 200


def head(truth: np.ndarray, skill: float, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(len(truth), 10))
    logits[np.arange(len(truth)), truth] += skill
    shares = np.exp(logits)
    return shares / shares.sum(axis=1, keepdims=True)


def case(n: int = N) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    truth = np.random.default_rng(9).integers(10, size=n)
    return truth, np.eye(10)[truth], {"a": head(truth, 2.0, 1), "b": head(truth, 2.0, 2)}


def test_average_of_two_that_err_apart__is_better() -> None:
    truth, target, heads = case()
    assert compare_with_best_head((heads["a"] + heads["b"]) / 2, heads, target, truth).ensemble_is_better


def test_ensemble_that_is_its_best_head__is_not_better() -> None:
    truth, target, heads = case()
    heads["b"] = head(truth, 0.5, 2)
    found = compare_with_best_head(heads["a"], heads, target, truth)
    assert found.best == "a"
    assert not found.ensemble_is_better
    assert f"on {N} held-out recordings" in found.evidence


def test_gain_within_the_noise__is_none() -> None:
    # The ensemble is the head with noise on it: half of such cases would look better without a margin.
    truth, target, heads = case(40)
    taken = 0
    for seed in range(60):
        noisy = heads["a"] * np.exp(0.2 * np.random.default_rng(seed).normal(size=(40, 10)))
        taken += compare_with_best_head(
            noisy / noisy.sum(axis=1, keepdims=True), {"a": heads["a"]}, target, truth
        ).ensemble_is_better
    assert taken < 15


def test_sharpness_alone__makes_no_head_better() -> None:
    # Calibration follows.
    truth, target, heads = case()
    flat = heads["a"] ** 0.3 / (heads["a"] ** 0.3).sum(axis=1, keepdims=True)
    found = compare_with_best_head(heads["a"], {"flat": flat}, target, truth)
    assert not found.ensemble_is_better
