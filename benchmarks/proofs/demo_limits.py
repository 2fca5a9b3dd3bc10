"""What a pass of the shipped gates would take on the demo recordings.

A bound that has nothing to do with how the demo's heads are trained: how often the regression on BirdNET's embeddings
that users would reach for passes the gates on recordings (without soundscapes, and without the regression on the mean
spectrum), over draws of the split that the demo's five are not among.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.references import encoder_regression
from benchmarks.proofs.units import Units
from silencio.config import preset_text, resolve
from silencio.data.birdclef import read_birdclef
from silencio.data.embeddings import open_encoders
from silencio.data.rare_labels import without_rare_labels
from silencio.data.shards import ShardSet, targets, write_shard
from silencio.data.split import SplitConfig, draw_split
from silencio.data.validate import validate_recordings
from silencio.demo import default_demo_directory, fetch_demo
from silencio.encoders.config import EncoderConfig
from silencio.evaluation.bootstrap import Bootstrap
from silencio.evaluation.calibration import CalibrationConfig, fit_calibration
from silencio.evaluation.calibration_error import calibration_error
from silencio.evaluation.comparisons import compare
from silencio.evaluation.gates import Evidence, GatePolicy, Verdict, apply_gates
from silencio.evaluation.metrics import compute_metrics
from silencio.evaluation.references import majority_scores
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList

_SEEDS = range(101, 131)
_MAJORITY = "majority class"


def prove(units: Units) -> dict[str, Any]:
    """Shares of draws of the split."""
    return {"regression_on_birdnet": units.do("birdnet", _regressions)}


def _regressions() -> dict[str, Any]:
    config = resolve(preset_text("demo"))
    source = without_rare_labels(read_birdclef(str(fetch_demo(default_demo_directory()))), config.min_recordings)
    usable = validate_recordings(source.recordings).usable
    spec = FeatureSpec()
    with tempfile.TemporaryDirectory(prefix="silencio-demo-limits-") as folder:
        encoders = open_encoders({"birdnet": EncoderConfig()}, spec)
        write_shard(usable.assign(split="train"), spec, Path(folder) / "shard", encoders)
        every = ShardSet([Path(folder) / "shard"], spec)
        verdicts: dict[str, list[tuple[Verdict, float]]] = {}
        for seed in _SEEDS:
            split = config.split.model_copy(update={"seed": seed})
            for name, result in _test_results(every, usable, split, source.classes).items():
                verdicts.setdefault(name, []).append(result)
        part = draw_split(usable, config.split).assignment["split"].value_counts()
    counts = {"n_recordings": len(usable), "n_labels": len(source.classes), "n_test": int(part["test"])}
    return counts | {"n_splits": len(_SEEDS), "by_regression": {name: _shares(each) for name, each in verdicts.items()}}


def _test_results(
    every: ShardSet, usable: Any, split: SplitConfig, classes: ClassList
) -> dict[str, tuple[Verdict, float]]:
    drawn = draw_split(usable, split).assignment.set_index("recording_id")["split"]
    part = every.table["recording_id"].map(drawn).to_numpy()
    training, validation, test_set = (every.subset(part == name) for name in ("train", "validation", "test"))
    before, after = (encoder_regression("birdnet", training, one, classes) for one in (validation, test_set))
    majority = majority_scores(training, len(test_set), classes)
    found = {}
    for name in before:
        ids = list(validation.table["recording_id"])
        fit = fit_calibration(
            before[name], targets(validation.table, classes.index), np.arange(len(ids)), ids, CalibrationConfig()
        )
        scores = fit.calibration(after[name])
        truth = np.array([classes.index[code] for code in test_set.table["primary_label"]])
        found[name] = (
            _verdict(scores, majority, test_set, truth, classes),
            float((scores.argmax(axis=1) == truth).mean()),
        )
    return found


def _verdict(
    scores: NDArray[np.float64],
    majority: NDArray[np.float64],
    test_set: ShardSet,
    truth: NDArray[np.integer],
    classes: ClassList,
) -> Verdict:
    target = targets(test_set.table, classes.index)
    metrics = compute_metrics(scores, target, test_set.table["primary_label"], classes).to_dict()
    error = calibration_error(scores.max(axis=1), scores.argmax(axis=1) == truth)
    comparisons = compare(_MAJORITY, scores, majority, target, truth, Bootstrap(len(truth)))
    policy = GatePolicy.shipped().model_copy(update={"soundscapes": "none", "not_worse_than": {}})
    return apply_gates(policy, Evidence(metrics, calibration=error, comparisons=comparisons))


def _shares(results: list[tuple[Verdict, float]]) -> dict[str, Any]:
    refused = Counter(reason.gate for verdict, _ in results for reason in verdict.reasons if not reason.passed)
    return {
        "top1": round(float(np.mean([top1 for _, top1 in results])), 3),
        "share_passed": round(float(np.mean([verdict.passed for verdict, _ in results])), 2),
        "share_refused_by": {gate: round(n / len(results), 2) for gate, n in sorted(refused.items())},
    }
