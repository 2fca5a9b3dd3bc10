"""apply_gates: both verdicts, the sealed bundle and the page, from figures alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from silencio.bundle import Bundle
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.config import resolve
from silencio.data.shards import ShardSet
from silencio.evaluation.champion import ChampionScores
from silencio.evaluation.gates import GatePolicy, Verdict
from silencio.evaluation.held_out import EvaluationData, Predictions, evaluate_test_set
from silencio.evaluation.results import ENSEMBLE, Evaluation
from silencio.evaluation.slices import SliceConfig
from silencio.steps.apply_gates import Inputs, Outcome, Outputs, run
from tests.conftest import TinyData
from tests.tiny_reserve import TINY


@pytest.fixture(scope="module")
def candidate(tiny_data: TinyData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Knows nothing, and does not have to: its figures are made up. For reading."""
    folder = tmp_path_factory.mktemp("candidate") / "bundle"
    return write_placeholder_bundle(folder, spec=tiny_data.config.features, classes=tiny_data.classes)


def _evaluation(
    data: TinyData, path: Path, sureness: float, champion: ChampionScores | None = None, of: str = ENSEMBLE
) -> Evaluation:
    """Of a model that is always right, and says so with this probability."""
    test_set = ShardSet(data.test, data.config.features, "test")
    truth = [data.classes.index[code] for code in test_set.table["primary_label"]]
    predictions = np.full((len(test_set), 4), (1 - sureness) / 3)
    predictions[np.arange(len(test_set)), truth] = sureness
    scores = {of: predictions, "majority class": np.full((len(test_set), 4), 0.25)}
    made = Predictions(scores, predictions, predictions > 0.5, champion, of)
    evaluation = evaluate_test_set(
        made, EvaluationData(test_set, test_set, data.classes), [], SliceConfig(), n_resamples=100
    )
    evaluation.save(path)
    return evaluation


@pytest.fixture
def step(tiny_data: TinyData, candidate: Path, tmp_path: Path) -> Any:
    def gated(
        sureness: float, champion: ChampionScores | None = None, of: str = ENSEMBLE, **gates: Any
    ) -> tuple[Outcome, Path]:
        _evaluation(tiny_data, tmp_path / "evaluation", sureness, champion, of)
        (tmp_path / "variants").write_text("{}")
        config = resolve(TINY).model_copy(update={"gates": GatePolicy(**gates)})
        inputs = Inputs(config, candidate, tmp_path / "evaluation", tmp_path / "variants", tiny_data.test)
        outputs = Outputs(*(tmp_path / name for name in ("bundle", "verdict", "report")))
        return run(inputs, outputs), tmp_path

    return gated


def test_apply_gates__a_good_model_passes(step: Any, candidate: Path) -> None:
    outcome, folder = step(0.9, minimum={"top1": 0.9}, max_calibration_error=0.2)
    version = Bundle(candidate).manifest.version
    assert outcome == Outcome(version, passed=True, n_failed_gates=0)
    assert outcome.metadata == {"version": version, "verdict": "passed"}
    assert outcome.metrics == {"passed": 1.0, "failed_gates": 0}
    sealed = Bundle(folder / "bundle").manifest.verdict
    assert (sealed["passed"], sealed["failed_gates"]) == (True, [])
    assert {gate["gate"]: gate["outcome"] for gate in sealed["gates"]}["minimum test top1"] == "passed"
    assert Verdict.load(folder / "verdict").passed
    assert "passed" in (folder / "report").read_text()


def test_apply_gates__a_bad_model_is_refused_and_sealed_all_the_same(step: Any) -> None:
    # Right; the policy asks for what four recordings cannot be.
    wanted = {"n_recordings": 100.0, "top5": 0.5}
    outcome, folder = step(0.4, minimum=wanted, beats={"majority class": ["macro_map"], "no_such": ["top1"]})
    assert (outcome.passed, outcome.n_failed_gates) == (False, 2)
    assert (outcome.metadata["verdict"], outcome.metrics) == ("refused", {"passed": 0.0, "failed_gates": 2})
    verdict = Verdict.load(folder / "verdict")
    sealed = Bundle(folder / "bundle").manifest
    assert (sealed.verdict["passed"], sealed.verdict["failed_gates"]) == (False, verdict.failed_gates)
    assert "at least 100" in verdict.failed_gates[0]
    assert "not compared with no_such" in verdict.failed_gates[1]
    assert "at least 100" in (folder / "report").read_text()


def test_apply_gates__the_bundle_holds_the_figures_of_the_evaluation(step: Any) -> None:
    _, folder = step(0.9)
    metrics = Bundle(folder / "bundle").manifest.metrics
    evaluation = Evaluation.load(folder / "evaluation")
    assert metrics["test"] == json.loads(json.dumps(evaluation.rows[ENSEMBLE].to_dict()))
    assert set(metrics["test_by_row"]) == {ENSEMBLE, "majority class"}
    assert (metrics["bundle_row"], metrics["test_set"]) == (ENSEMBLE, evaluation.test_set)
    assert metrics["test_calibration_error"] == pytest.approx(0.1)
    assert metrics["soundscapes"] == {}


def test_apply_gates__a_student_is_called_one_wherever_the_bundle_is_described(step: Any) -> None:
    _, folder = step(0.9, of="student")
    bundle = Bundle(folder / "bundle")
    assert bundle.manifest.metrics["test"]["top1"] == 1.0
    assert set(bundle.manifest.metrics["test_by_row"]) == {"student", "majority class"}
    card = (folder / "bundle" / "MODEL_CARD.md").read_text()
    assert "| this bundle (student) | 1.000 | 1.000 | 4 | 4 |" in card
    assert f"Test set `{bundle.manifest.metrics['test_set']}`" in card
    page = (folder / "report").read_text()
    assert "this bundle (student)" in page and "The model is a student" in page
    for text in (card, page):
        assert "ensemble" not in text.lower()


def test_apply_gates__the_champions_own_figures_stand_in_the_report(step: Any) -> None:
    # Always wrong, and not to be asked about one of the four recordings.
    wrong = ChampionScores("1452e0a87c11", np.roll(np.eye(4), 1, axis=0), np.array([True, True, True, False]))
    _, folder = step(0.9, champion=wrong)
    page = (folder / "report").read_text()
    assert "Beside the champion, on 3 of the 4\u202ftest recordings" in page
    table = page[page.index("Beside the champion") :]
    assert "champion 1452e0a87c11" in table[: table.index("</table>")]
    assert "0\u202f%" in table[: table.index("</table>")]


def test_apply_gates__the_same_figures_the_same_verdict(step: Any) -> None:
    gates = {"minimum": {"top1": 0.9}, "beats": {"majority class": ["top1"]}}
    first, folder = step(0.9, **gates)
    text = (folder / "verdict").read_text()
    for path in (folder / "bundle").iterdir():
        path.unlink()
    again, _ = step(0.9, **gates)
    assert again == first
    assert (folder / "verdict").read_text() == text


def test_apply_gates__a_champion_that_cannot_be_compared_refuses(step: Any) -> None:
    # It has learned from every test recording, as one does that was made from another split.
    unfair = ChampionScores("v1", np.full((4, 4), 0.25), np.zeros(4, bool))
    outcome, folder = step(0.9, champion=unfair, champion_margin=0.02)
    verdict = Verdict.load(folder / "verdict")
    (reason,) = [one for one in verdict.reasons if one.gate == "champion"]
    assert (outcome.passed, reason.passed, reason.decides) == (False, False, True)
    assert "Champion v1 was not compared" in reason.message


def test_apply_gates__a_run_that_lost_its_soundscapes_is_refused(step: Any) -> None:
    outcome, folder = step(0.9, soundscape_minimum={"macro_roc_auc": 0.6})
    assert not outcome.passed
    (refusal,) = Verdict.load(folder / "verdict").failed_gates
    assert refusal.startswith("No soundscapes were scored")


def test_apply_gates__a_policy_may_say_that_there_are_no_soundscapes(step: Any) -> None:
    outcome, _ = step(0.9, minimum={"top1": 0.5}, soundscape_minimum={"macro_roc_auc": 0.6}, soundscapes="none")
    assert outcome.passed
