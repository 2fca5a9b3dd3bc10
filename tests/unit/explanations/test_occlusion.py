"""Which region drove a prediction, on bundles of which it is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.bundle import Bundle
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES, write_placeholder_bundle
from silencio.errors import DataError
from silencio.explanations.bundle_scores import WindowProbabilities
from silencio.explanations.deletion import deletion_test
from silencio.explanations.occlusion import Explanation, explain_window
from silencio.explanations.regions import Occluder, RegionGrid
from silencio.features import FrontEnd
from tests.unit.explanations.listening_bundle import SPEC, write_listening_bundle

GRID = RegionGrid(n_freq_cells=6, n_time_cells=8)
N = SPEC.window_samples
TIME_S = np.arange(N) / SPEC.sample_rate_hz


def tone(hz: float, begin_s: float, end_s: float) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * hz * TIME_S) * ((begin_s <= TIME_S) & (end_s > TIME_S))


def window(*tones: NDArray[np.float64]) -> NDArray[np.int16]:
    """Tones at -12 dB in noise at -52 dB of full scale."""
    noise = np.random.default_rng(0).standard_normal(N)
    return np.rint(8000 * np.sum(tones, axis=0) + 80 * noise).astype(np.int16)


# One call that grekis listens to, one that eurbla listens to.
TWO_CALLS = window(tone(2_700.0, 0.5, 0.75), tone(6_000.0, 1.25, 1.5))


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> WindowProbabilities:
    bundle = Bundle(write_listening_bundle(tmp_path_factory.mktemp("listening")))
    bundle.verify()
    return WindowProbabilities(bundle.graph(1), bundle.manifest.spec)


def explained(scores: WindowProbabilities, sound: NDArray[np.int16], code: str) -> Explanation:
    return explain_window(sound, SPEC, scores.of_class(PLACEHOLDER_CLASSES.index[code]), GRID)


def cell_of(hz: float, time_s: float) -> tuple[int, int]:
    edges = GRID.freq_edges_hz(SPEC)
    return int(np.searchsorted(edges, hz)) - 1, int(time_s / SPEC.window_s * GRID.n_time_cells)


@pytest.mark.parametrize(("code", "hz", "time_s"), [("grekis", 2_700.0, 0.6), ("eurbla", 6_000.0, 1.4)])
def test_explanation__finds_the_call_that_the_class_listens_to(
    listening: WindowProbabilities, code: str, hz: float, time_s: float
) -> None:
    found = explained(listening, TWO_CALLS, code)
    place = np.unravel_index(found.importance.argmax(), GRID.shape)
    assert place == cell_of(hz, time_s)


def test_explanation__the_other_class_s_call_speaks_against(listening: WindowProbabilities) -> None:
    found = explained(listening, TWO_CALLS, "grekis")
    order = np.argsort(found.importance, axis=None)
    assert np.unravel_index(order[0], GRID.shape)[0] == cell_of(6_000.0, 1.4)[0]


def test_explanation__probability_is_the_bundle_s_own(listening: WindowProbabilities) -> None:
    found = explained(listening, TWO_CALLS, "grekis")
    assert found.probability == listening(TWO_CALLS[None])[0, PLACEHOLDER_CLASSES.index["grekis"]]
    assert found.n_scored == 2 + GRID.n_cells + 2 * sum(GRID.shape)


def test_explanation__of_a_song_without_a_pause_is_its_band(listening: WindowProbabilities) -> None:
    found = explained(listening, window(tone(2_700.0, 0.0, 2.0), tone(6_000.0, 1.25, 1.5)), "grekis")
    by_band = found.importance.mean(axis=1)
    assert by_band.argmax() == cell_of(2_700.0, 0.1)[0]
    assert by_band.max() > 0.05


def test_deletion__by_importance_costs_more_than_at_random(listening: WindowProbabilities) -> None:
    scorer = listening.of_class(PLACEHOLDER_CLASSES.index["grekis"])
    found = explain_window(TWO_CALLS, SPEC, scorer, GRID)
    curve = deletion_test(Occluder(TWO_CALLS, SPEC, GRID), found.importance, scorer, n_orders=10)
    assert curve.area < curve.random_areas.min()
    assert curve.shares[0] == 0.0
    assert curve.by_importance[0] == found.probability
    # With everything out, the order makes no difference.
    np.testing.assert_allclose(curve.at_random[:, -1], curve.by_importance[-1], atol=1e-6)


def test_deletion__an_explanation_of_another_class_is_no_better_than_random(listening: WindowProbabilities) -> None:
    scorer = listening.of_class(PLACEHOLDER_CLASSES.index["grekis"])
    other = explained(listening, TWO_CALLS, "eurbla")
    curve = deletion_test(Occluder(TWO_CALLS, SPEC, GRID), other.importance, scorer, n_orders=10)
    assert curve.area > curve.random_areas.min()


def test_without__nothing_is_the_window_to_the_last_bit() -> None:
    nothing = np.zeros((1, *GRID.shape), bool)
    np.testing.assert_array_equal(Occluder(TWO_CALLS, SPEC, GRID).without(nothing)[0], TWO_CALLS)


def test_without__a_cell_leaves_what_is_far_from_it() -> None:
    region = np.zeros((1, *GRID.shape), bool)
    region[0][cell_of(2_700.0, 0.6)] = True
    left = Occluder(TWO_CALLS, SPEC, GRID).without(region)[0]
    call, other = slice(int(0.55 * 16_000), int(0.7 * 16_000)), slice(int(1.2 * 16_000), N)
    assert np.std(left[call]) < 0.2 * np.std(TWO_CALLS[call])
    assert np.abs(left[other].astype(int) - TWO_CALLS[other]).max() <= 1


def test_without__everything_is_the_background_and_no_hole() -> None:
    quiet = window(0 * TIME_S)
    everything = np.ones((1, *GRID.shape), bool)
    left = Occluder(TWO_CALLS, SPEC, GRID).without(everything)[0]
    level_db = 20 * np.log10(np.std(left) / np.std(quiet))
    assert -6 < level_db < 6


def test_without__several_regions_are_those_one_by_one() -> None:
    regions = np.random.default_rng(1).random((5, *GRID.shape)) < 0.3
    occluder = Occluder(TWO_CALLS, SPEC, GRID)
    together = occluder.without(regions)
    for region, one in zip(regions, together, strict=True):
        np.testing.assert_array_equal(occluder.without(region[None])[0], one)


def test_scores__are_those_of_offline_scoring(tmp_path: Path) -> None:
    inputs = ("log_mel", "waveform", "embedding:placeholder")
    bundle = Bundle(write_placeholder_bundle(tmp_path / "bundle", spec=SPEC, inputs=inputs))
    graph, front_end = bundle.graph(1), FrontEnd(SPEC)
    scores = WindowProbabilities(graph, SPEC)
    np.testing.assert_array_equal(scores(TWO_CALLS[None]), graph.run(front_end.features(TWO_CALLS).inputs))


def test_explanation__a_head_on_the_waveform_alone_takes_the_regions_too(tmp_path: Path) -> None:
    bundle = Bundle(write_placeholder_bundle(tmp_path / "bundle", spec=SPEC, inputs=("waveform",)))
    scores = WindowProbabilities(bundle.graph(1), SPEC)
    importance = explain_window(TWO_CALLS, SPEC, scores.of_class(0), GRID).importance
    loudest = {cell_of(2_700.0, 0.6), cell_of(6_000.0, 1.4)}
    order = np.argsort(-np.abs(importance), axis=None)[:2]
    assert {tuple(int(i) for i in np.unravel_index(one, GRID.shape)) for one in order} == loudest


def test_explanation__of_silence_is_refused() -> None:
    with pytest.raises(DataError, match="silent: each of its 32000 samples is 0"):
        Occluder(np.zeros(N, np.int16), SPEC, GRID)


def test_explanation__features_of_a_device_are_refused() -> None:
    log_mel = np.zeros(SPEC.log_mel_shape, np.float32)
    with pytest.raises(DataError, match="cannot be made sound again"):
        Occluder(log_mel, SPEC, GRID)  # type: ignore[arg-type]


def test_explanation__of_part_of_a_window_is_refused() -> None:
    with pytest.raises(DataError, match=r"\(32000,\), and got int16 \(100,\)"):
        Occluder(TWO_CALLS[:100], SPEC, GRID)
