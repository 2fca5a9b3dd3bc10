"""The judge's report on a bundle that was really trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.bundle.load import Bundle
from silencio.data.shards import ShardSet
from silencio.steps.evaluate import evaluate_candidate
from silencio.steps.judge import judge_step
from tests.conftest import TinyData, TinyEnsemble


@pytest.fixture(scope="module")
def evaluation_path(
    tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    config = tiny_data.config
    shards = [
        ShardSet(folders, config.features, part)
        for folders, part in ((tiny_data.development, "train"), (tiny_data.test, "test"))
    ]
    parts = (tiny_ensemble.heads, tiny_ensemble.fusion, tiny_ensemble.decisions, *shards)
    evaluation = evaluate_candidate(Bundle(tiny_bundle), *parts, None, config, tiny_data.classes)
    path = tmp_path_factory.mktemp("evaluation") / "evaluation.json"
    evaluation.save(path)
    return path


def _judge(data: TinyData, bundle: Path, evaluation_path: Path, folder: Path) -> tuple[dict, bytes]:
    paths = {name: str(folder / name) for name in ("bundle", "verdict", "report")}
    folder.mkdir()
    judged = judge_step(data.config, str(bundle), str(evaluation_path), [str(shard) for shard in data.test], paths)
    return judged, (folder / "report").read_bytes()


def test_judge__writes_the_same_report_twice(
    tiny_data: TinyData, tiny_bundle: Path, evaluation_path: Path, tmp_path: Path
) -> None:
    judged, once = _judge(tiny_data, tiny_bundle, evaluation_path, tmp_path / "one")
    again, twice = _judge(tiny_data, tiny_bundle, evaluation_path, tmp_path / "two")
    assert judged == again
    assert once == twice
    html = once.decode()
    assert judged["version"] in html
    assert ("\N{CHECK MARK} Passed" if judged["passed"] else "\N{BALLOT X} Refused") in html
    assert len(once) < 1_500_000
    for name in ("recordings", "examples", "slices", "bundle"):
        assert f'id="{name}"' in html
    assert "data:image/png;base64," in html
