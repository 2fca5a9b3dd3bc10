"""The report of apply_gates on a bundle that was really trained."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from silencio.bundle.load import Bundle
from silencio.data.shards import ShardSet
from silencio.evaluation.held_out import EvaluationData
from silencio.evaluation.results import ENSEMBLE
from silencio.steps.apply_gates import Inputs, Outcome, Outputs, run
from silencio.steps.evaluate import Candidate, evaluate_candidate, with_soundscapes
from tests.conftest import TinyData, TinyEnsemble


@pytest.fixture(scope="module")
def evaluation_path(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    config, made = tiny_data.config, tiny_ensemble
    data = EvaluationData(
        training=ShardSet(tiny_data.development, config.features, "train"),
        test=ShardSet(tiny_data.test, config.features, "test"),
        classes=tiny_data.classes,
    )
    candidate = Candidate(ENSEMBLE, Bundle(tiny_bundle).graph(), made.heads, made.ensemble, made.decision_rule)
    evaluation = evaluate_candidate(candidate, data, None, config)
    evaluation = with_soundscapes(evaluation, candidate, data, pd.DataFrame({"path": []}), config)
    path = tmp_path_factory.mktemp("evaluation") / "evaluation.json"
    evaluation.save(path)
    return path


def _apply_gates(data: TinyData, bundle: Path, evaluation_path: Path, folder: Path) -> tuple[Outcome, bytes]:
    folder.mkdir()
    (folder / "variants").write_text("{}")
    inputs = Inputs(data.config, bundle, evaluation_path, folder / "variants", data.test)
    outcome = run(inputs, Outputs(*(folder / name for name in ("bundle", "verdict", "report"))))
    return outcome, (folder / "report").read_bytes()


def _without_times(report: bytes) -> bytes:
    return re.sub(rb'<section id="costs">.*?</section>', b"", report, flags=re.DOTALL)


def test_apply_gates__writes_the_same_report_twice(
    tiny_data: TinyData, tiny_bundle: Path, evaluation_path: Path, tmp_path: Path
) -> None:
    outcome, once = _apply_gates(tiny_data, tiny_bundle, evaluation_path, tmp_path / "one")
    again, twice = _apply_gates(tiny_data, tiny_bundle, evaluation_path, tmp_path / "two")
    assert outcome == again
    # Times are the machine's of that moment.
    assert _without_times(once) == _without_times(twice)
    html = once.decode()
    assert outcome.version in html
    assert ("\N{CHECK MARK} Passed" if outcome.passed else "\N{BALLOT X} Refused") in html
    assert len(once) < 1_500_000
    for name in ("recordings", "examples", "slices", "soundscapes", "failure-modes", "costs", "bundle"):
        assert f'id="{name}"' in html
    assert "data:image/png;base64," in html
