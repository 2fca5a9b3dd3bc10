"""Evidence: what gates look at, of an evaluation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.evidence import Evidence
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import ENSEMBLE, Evaluation

METRICS = Metrics(
    macro_map=0.5,
    top1=0.6,
    n_recordings=80,
    n_species=4,
    top5=0.9,
    padded_cmap=0.5,
    macro_roc_auc=0.8,
    micro_f1=0.5,
    coverage=0.5,
    label_frequency_distance=0.2,
    by_class={"Aves": {"top1": 0.9, "macro_map": 0.8, "n_recordings": 3, "n_species": 1}},
)
EVALUATION = Evaluation(
    rows={ENSEMBLE: METRICS, "majority class": replace(METRICS, top1=0.1)},
    answers=[],
    comparisons=[Comparison("majority class", "top1", 0.5, (0.4, 0.6), 80)],
    soundscapes={"metrics": {"macro_roc_auc": 0.7}, "detected": {}},
    calibration={"error_after": 0.1, "error_after_interval": [0.05, 0.2], "n_recordings": 80},
    failure_modes={"noise": []},
    mislabelled={"suspects": []},
)


def test_of__takes_the_metrics_of_the_bundle_that_are_one_number() -> None:
    evidence = Evidence.of(EVALUATION)
    assert (evidence.metrics["top1"], evidence.metrics["n_recordings"]) == (0.6, 80)
    assert "by_class" not in evidence.metrics
    assert evidence.soundscape_metrics == {"macro_roc_auc": 0.7}
    assert evidence.calibration is not None
    assert evidence.calibration.interval == (0.05, 0.2)
    assert (evidence.failure_modes, evidence.mislabelled) == ({"noise": []}, {"suspects": []})


@pytest.mark.parametrize("soundscapes", [{}, {"metrics": None}, {"metrics": {}}])
def test_of__soundscapes_that_were_not_scored_are_no_metrics(soundscapes: dict[str, None]) -> None:
    assert Evidence.of(replace(EVALUATION, soundscapes=soundscapes)).soundscape_metrics == {}


def test_of__a_calibration_without_an_interval_was_not_computed() -> None:
    assert Evidence.of(replace(EVALUATION, calibration={"error_after": 0.1})).calibration is None


def test_champion__is_there_by_its_version_or_by_a_comparison() -> None:
    against = Comparison("champion", "top1", 0.1, (0.0, 0.2), 80)
    assert not Evidence.of(EVALUATION).has_champion
    assert Evidence.of(replace(EVALUATION, champion="v3")).has_champion
    assert Evidence.of(replace(EVALUATION, comparisons=[against])).has_champion


def test_compared__is_of_this_model_in_this_metric() -> None:
    evidence = Evidence.of(EVALUATION)
    assert evidence.compared("majority class", "top1") == EVALUATION.comparisons[0]
    assert evidence.compared("majority class", "macro_map") is None
    assert evidence.compared("champion", "top1") is None
