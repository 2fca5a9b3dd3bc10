"""The judge's report on a bundle that was really trained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from silencio.bundle.load import Bundle
from silencio.data.shards import ShardSet
from silencio.steps.apply_gates import judge_step
from silencio.steps.evaluate import evaluate_candidate, in_the_field
from tests.conftest import TinyData, TinyEnsemble


@pytest.fixture(scope="module")
def evaluation_path(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    config, classes, decision_rule = tiny_data.config, tiny_data.classes, tiny_ensemble.decision_rule
    training = ShardSet(tiny_data.development, config.features, "train")
    test = ShardSet(tiny_data.test, config.features, "test")
    graph = Bundle(tiny_bundle).graph()
    requested = (graph, tiny_ensemble.heads, tiny_ensemble.ensemble, decision_rule, training, test)
    evaluation = evaluate_candidate(*requested, None, config, classes)
    evaluation = in_the_field(evaluation, graph, decision_rule, test, pd.DataFrame({"path": []}), config, classes)
    path = tmp_path_factory.mktemp("evaluation") / "evaluation.json"
    evaluation.save(path)
    return path


def _apply(data: TinyData, bundle: Path, evaluation_path: Path, folder: Path) -> tuple[dict[str, Any], bytes]:
    paths = {name: str(folder / name) for name in ("bundle", "verdict", "report", "variants")}
    folder.mkdir()
    (folder / "variants").write_text("{}")
    inputs = judge_step(data.config, str(bundle), str(evaluation_path), [str(shard) for shard in data.test], paths)
    return inputs, (folder / "report").read_bytes()


def _without_times(report: bytes) -> bytes:
    return re.sub(rb'<section id="costs">.*?</section>', b"", report, flags=re.DOTALL)


def test_judge__writes_the_same_report_twice(
    tiny_data: TinyData, tiny_bundle: Path, evaluation_path: Path, tmp_path: Path
) -> None:
    inputs, once = _apply(tiny_data, tiny_bundle, evaluation_path, tmp_path / "one")
    again, twice = _apply(tiny_data, tiny_bundle, evaluation_path, tmp_path / "two")
    assert inputs == again
    # Times are the machine's of that moment.
    assert _without_times(once) == _without_times(twice)
    html = once.decode()
    assert inputs["version"] in html
    assert ("\N{CHECK MARK} Passed" if inputs["passed"] else "\N{BALLOT X} Refused") in html
    assert len(once) < 1_500_000
    for name in ("recordings", "examples", "slices", "soundscapes", "failure-modes", "costs", "bundle"):
        assert f'id="{name}"' in html
    assert "data:image/png;base64," in html
