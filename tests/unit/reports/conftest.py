"""A made-up model, evaluated: every section of a report has something to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from silencio.bundle.manifest import BundleManifest, GraphInput, HeadEntry
from silencio.data.shards import ShardSet, write_shard
from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.gates import Reason, Verdict
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation
from silencio.evaluation.slices import SliceConfig, SliceMetrics
from silencio.features import FeatureSpec
from silencio.reports.inputs import ReportInputs
from silencio.reports.report import write_report
from silencio.taxonomy import ClassList, Species
from tests.unit.conftest import animal, encoded

SPEC = FeatureSpec(sample_rate_hz=16000, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0)
CLASSES = ClassList.of(
    Species(code=code, scientific_name=scientific, common_name=common, class_name=taxon)
    for code, scientific, common, taxon in (
        ("grekis", "Pitangus sulphuratus", "Great Kiskadee", "Aves"),
        ("bobfly1", "Myiozetetes granadensis", "Gray-capped Flycatcher", "Aves"),
        ("1139490", "Ragoniella pulchella", "Ragoniella pulchella", "Insecta"),
        ("41970", "Panthera onca", "Jaguar", "Mammalia"),
    )
)
# recording_id: (label, what the model says, with which probability, seconds)
ANSWERS: dict[str, tuple[str, str, float, float]] = {
    "grekis/1.ogg": ("grekis", "grekis", 0.9, 3.0),
    "grekis/2.ogg": ("grekis", "grekis", 0.6, 30.0),
    "grekis/3.ogg": ("grekis", "grekis", 0.4, 2.0),
    "bobfly1/1.ogg": ("bobfly1", "grekis", 0.7, 4.0),
    "bobfly1/2.ogg": ("bobfly1", "grekis", 0.5, 1.0),
    "1139490/1.ogg": ("1139490", "1139490", 0.8, 5.0),
    "41970/1.ogg": ("41970", "bobfly1", 0.3, 0.5),
}


def metrics(**changes: Any) -> Metrics:
    facts: dict[str, Any] = {
        "macro_map": 0.61,
        "top1": 4 / 7,
        "n_recordings": 7,
        "n_species": 4,
        "top5": 1.0,
        "padded_cmap": 0.9,
        "macro_roc_auc": 0.8,
        "micro_f1": 0.5,
        "coverage": 0.5,
        "label_frequency_distance": 0.3,
        "by_class": {"Aves": {"top1": 0.6, "macro_map": 0.5, "n_recordings": 5, "n_species": 2}},
        "intervals": {"macro_map": [0.4, 0.8], "top1": [0.2, 0.9]},
    }
    return Metrics(**(facts | changes))


def one_slice(name: str, n_recordings: int, top1: float, interval: tuple[float, float], **changes: Any) -> SliceMetrics:
    made = SliceMetrics(name, n_recordings, 2, top1, interval, 0.5, (0.3, 0.7), counted=n_recordings >= 10)
    return replace(made, **changes)


def made_soundscape(name: str = "SIM01_20250411_050000") -> dict[str, Any]:
    call = {"low_hz": None, "high_hz": None, "snr_db": 12.4, "recording_id": None}
    return {
        "name": name,
        "site": "SIM01",
        "start": None,
        "duration_s": 60.0,
        "background": "rain",
        "annotations": [
            {"code": "grekis", "begin_s": 3.0, "end_s": 8.0, **call},
            {"code": "41970", "begin_s": 20.0, "end_s": 24.0, **call},
        ],
        "detections": [
            {"code": "grekis", "begin_s": 5.0, "end_s": 10.0, "probability": 0.8},
            {"code": "grekis", "begin_s": 40.0, "end_s": 45.0, "probability": 0.5},
            {"code": "1139490", "begin_s": 0.0, "end_s": 5.0, "probability": 0.6},
        ],
    }


def soundscape_results() -> dict[str, Any]:
    def found(name: str, n_pairs: int, recall: float | None) -> dict[str, Any]:
        return {"name": name, "n_pairs": n_pairs, "n_species": 3, "in_top": 0.4, "outranks": 0.8, "recall": recall}

    summary = {
        "macro_map": 0.31,
        "macro_map_interval": [0.2, 0.4],
        "padded_cmap": 0.8,
        "macro_roc_auc": 0.77,
        "micro_f1": 0.3,
        "by_snr": [found("below 0 dB", 10, 0.1), found("10 dB and more", 30, 0.5)],
        "by_overlap": [found("one species", 30, 0.5), found("several species", 10, 0.1)],
        "false_alarms": [{"name": "made", "n_rows": 90, "hours": 0.125, "per_hour": 24.0}],
        "n_soundscapes": 8,
        "n_rows": 96,
        "n_species": 3,
        "hours": 8 / 60,
    }
    return {"metrics": summary, "timeline": [made_soundscape(f"SIM01_{number}") for number in range(8)]}


def failure_results() -> dict[str, Any]:
    def condition(name: str, top1: float) -> dict[str, Any]:
        changes = {"top1_change": top1 - 0.6, "macro_map_change": -0.1, "named": 0.4}
        return {"name": name, "n_recordings": 7, "top1": top1, "macro_map": 0.5, **changes}

    nothing = {
        "name": "digital silence",
        "n_waveforms": 1,
        "n_windows": 12,
        "hours": 1 / 60,
        "n_not_finite": 0,
        "false_alarms_per_hour": 720.0,
        "windows_named": 1.0,
        "top_probability": {"q05": 0.4, "q25": 0.45, "q50": 0.5, "q75": 0.55, "q95": 0.6},
        "separation_auc": 0.52,
    }
    overlaid = {
        "n_pairs": 7,
        "both_in_top2": 0.3,
        "both_in_top5": 0.9,
        "one_is_first": 0.7,
        "both_named": None,
        "alone_top1": 0.6,
    }
    return {
        "clean": condition("as recorded", 0.6),
        "conditions": [condition("white noise at 20 dB", 0.55), condition("gain -30 dB", 0.2)],
        "overlaid": overlaid,
        "nothing_to_name": [nothing],
        "not_tried": ["real backgrounds: no recordings were given"],
    }


def an_evaluation() -> Evaluation:
    bins = [
        {"mean_probability": 0.3, "right_share": 0.5, "recordings_share": 0.4},
        {"mean_probability": 0.8, "right_share": 0.9, "recordings_share": 0.6},
    ]
    right = [row for row in ANSWERS.items() if row[1][0] == row[1][1]]
    assert len(right) == 4
    names = ("recording_id", "path", "primary_label", "predicted", "probability")
    reference = "logistic regression on mean log-mel"
    return Evaluation(
        rows={"ensemble": metrics(), "raw_cnn": metrics(top1=0.4), reference: metrics(top1=0.3)},
        answers=[
            dict(zip(names, (name, name, label, printed, probability), strict=True))
            for name, (label, printed, probability, _) in sorted(ANSWERS.items())
        ],
        comparisons=[
            Comparison("raw_cnn", "macro_map", 0.1, (-0.1, 0.3), 7),
            Comparison("raw_cnn", "top1", 0.17, (0.02, 0.3), 7),
        ],
        slices=[
            one_slice("taxon class Aves", 12, 0.6, (0.2, 0.9)),
            one_slice("rare species", 11, 0.1, (0.0, 0.3)),
            one_slice("night", 3, 0.0, (0.0, 0.0)),
        ],
        species=[
            _species("41970", 1, 0.0, 0.1, "bobfly1"),
            _species("bobfly1", 2, 0.0, 0.3, "grekis"),
            _species("grekis", 3, 1.0, 0.9, ""),
            _species("1139490", 1, 1.0, 1.0, ""),
        ],
        confusable=[["bobfly1", "grekis"]],
        calibration={
            "error_before": 0.3,
            "error_before_interval": [0.1, 0.5],
            "error_after": 0.14,
            "error_after_interval": [0.0, 0.37],
            "n_recordings": 7,
            "before": bins,
            "after": bins,
        },
        curve={
            "recall": [1.0, 0.5, 0.0],
            "precision": [0.2, 0.6, 1.0],
            "named_recall": 0.5,
            "named_precision": 0.55,
        },
        soundscapes=soundscape_results(),
        failure_modes=failure_results(),
    )


def _species(code: str, n_recordings: int, top1: float, precision: float, taken_for: str) -> dict[str, Any]:
    values = {"recordings": n_recordings, "average precision": precision, "top-1": top1, "taken for": taken_for}
    return {"species": code, "common name": "", "taxon class": "", **values}


def a_manifest() -> BundleManifest:
    return BundleManifest(
        version="8b6b9ca1fd78",
        created_by="silencio test",
        spec=SPEC,
        spec_sha256=SPEC.sha256,
        inputs=(GraphInput(name="log_mel", dtype="float32", shape=SPEC.log_mel_shape),),
        classes=CLASSES,
        classes_sha256=CLASSES.sha256,
        heads=(
            HeadEntry(name="raw_cnn", kind="raw_cnn", input_name="waveform", weight=1.0, n_parameters=12345, config={}),
        ),
        supervisor={"kind": "weighted_average"},
        calibration={"kind": "platt"},
        metrics={},
        parents={"data_fingerprint": "f" * 64, "image_digest": ""},
        licences={"verdict": "commercial use not excluded", "recordings": {"CC BY 4.0": 40}, "weights": {}},
        files={},
    )


def predict(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
    """A model without weights: what a window's level says, spread over the classes."""
    n_windows = max(1, -(-len(waveform) // SPEC.window_samples))
    loud = np.array(
        [np.abs(part.astype(float)).mean() for part in np.array_split(waveform, n_windows)], np.float32
    ) / np.float32(32768)
    return np.stack([loud, 1 - loud, loud * 0.5, loud * 0.25], axis=1).astype(np.float32)


@pytest.fixture(scope="session")
def test_shards(tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    folder = tmp_path_factory.mktemp("report")
    rows = []
    for number, (name, (label, _, _, duration_s)) in enumerate(sorted(ANSWERS.items())):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded(animal(label, number, duration_s, SPEC.sample_rate_hz), SPEC.sample_rate_hz, "WAV"))
        labels = {"primary_label": label, "secondary_labels": []}
        rows.append({"recording_id": name, "path": str(path), "split": "test", **labels})
    write_shard(pd.DataFrame(rows), SPEC, folder / "shard")
    return ShardSet([folder / "shard"], SPEC, "test")


@pytest.fixture(scope="session")
def inputs(test_shards: ShardSet) -> ReportInputs:
    """For reading; `dataclasses.replace` makes another."""
    codes, parts = CLASSES.codes, ("train", "train", "validation", "test")
    rows = [(code, part, 90.0) for code in codes for part in parts]
    return ReportInputs(
        manifest=a_manifest(),
        evaluation=an_evaluation(),
        verdict=Verdict(
            [
                Reason("minimum test top1", True, "test top1 is 0.571, the policy asks for at least 0.4: passed."),
                Reason("calibration", False, "The calibration error is 0.300, the policy allows 0.2: refused."),
                Reason.not_applied("champion", "There is no champion to compare with: not asked."),
            ]
        ),
        slices=SliceConfig(),
        data=pd.DataFrame(rows, columns=["primary_label", "split", "duration_s"]),
        test=test_shards,
        predict=predict,
        variants={
            "fp32": {"size_bytes": 4_000_000, "p50_ms": 20.0, "macro_map": 0.612},
            "int8": {"size_bytes": 1_000_000, "p50_ms": 12.0, "macro_map": 0.61},
            "equal_top1_share": 0.98,
            "kept": True,
            "reason": "It is faster and loses next to nothing.",
        },
        mislabelled={
            "metrics": {"n_swapped": 4, "n_recordings": 40, "n_repeats": 20, "recall": 0.8, "precision": 0.4},
            "suspects": [
                {
                    "recording_id": "grekis/3.ogg",
                    "label": "grekis",
                    "suggested": "bobfly1",
                    "label_probability": 0.02,
                    "suggested_probability": 0.7,
                    "is_doubted": True,
                }
            ],
        },
    )


@pytest.fixture(scope="session")
def shown(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page on the made-up model."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, inputs)
    return path.read_text(encoding="utf-8")


@pytest.fixture
def report(tmp_path: Path) -> Callable[[ReportInputs], str]:
    """`report(inputs)` is the page on another one."""

    def write(inputs: ReportInputs) -> str:
        write_report(tmp_path / "report.html", inputs)
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write
