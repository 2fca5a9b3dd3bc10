"""What `run train` prints of a verdict: every gate, the failed ones first, and what was not asked."""

from __future__ import annotations

from pathlib import Path

import pytest

import pipelines.train_run
from pipelines.train_run import TrainedRun
from silencio.__main__ import main
from silencio.evaluation.gates import Reason, Verdict
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation

FIGURES = Metrics(
    macro_map=0.5,
    top1=0.6,
    n_recordings=9,
    n_species=3,
    top5=0.8,
    padded_cmap=0.7,
    macro_roc_auc=0.9,
    micro_f1=0.4,
    coverage=0.5,
    label_frequency_distance=0.2,
)


@pytest.mark.parametrize("passed", [True, False])
def test_run_train__lists_every_gate(
    passed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons = [
        Reason.not_applied("minimum test top1", "The configuration took away [minimum test top1]: not asked."),
        Reason("calibration", True, "The error is 0.4: too few to decide.", decides=False),
        Reason("minimum test macro_map", True, "test macro_map is 0.500: passed."),
        Reason("minimum test top5", passed, "test top5 is 0.800: decided."),
    ]
    done = TrainedRun(
        tmp_path / "bundle", Evaluation({"ensemble": FIGURES}, []), Verdict(reasons), tmp_path / "log", [], {}
    )
    monkeypatch.setattr(pipelines.train_run, "run_train", lambda *_, **__: done)
    assert main(["run", "train", "--data", "demo", "--preset", "demo", "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith(("- ", "The gates"))]
    decided = ["- test macro_map is 0.500: passed.", "- test top5 is 0.800: decided."]
    assert lines == [
        "The gates passed it:" if passed else "The gates refused it, so it is not registered:",
        *(decided if passed else reversed(decided)),
        "- The error is 0.4: too few to decide.",
        "- The configuration took away [minimum test top1]: not asked.",
    ]
