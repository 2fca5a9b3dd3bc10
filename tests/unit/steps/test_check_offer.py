"""check_offer: what refuses a challenger before anything is made of it, and that it is noted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from silencio.bundle.manifest import read_manifest
from silencio.errors import ReleaseRefusedError
from silencio.release.comparison import AnswerComparison
from silencio.release.comparison_file import comparison_facts
from silencio.release.deliveries import delivery_of
from silencio.release.evidence import ClassChange, Pairs, Replay
from silencio.release.policy import ReleasePolicy
from silencio.steps.check_offer import Inputs, run
from tests.serving.canary.delivered import sealed_bundle

N = 200


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sealed_bundle(tmp_path_factory.mktemp("champion") / "bundle")


@pytest.fixture(scope="module")
def challenger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sealed_bundle(tmp_path_factory.mktemp("challenger") / "bundle", seed=1)


def checked(
    champion: Path, challenger: Path, tmp_path: Path, n_lost: int = 0, classes: ClassChange | None = None, **more: Any
) -> str:
    right = np.ones(N, np.int8)
    replay = Replay(champion_right=right, challenger_right=np.where(np.arange(N) < n_lost, 0, right))
    compared = AnswerComparison(
        n_recordings=N,
        sound_s=5.0 * N,
        pairs=Pairs(disagreement=np.zeros(0)),
        replay=replay,
        classes=classes or ClassChange(),
    )
    (tmp_path / "comparison").write_text(json.dumps(comparison_facts(compared)))
    given = {"comparison": tmp_path / "comparison", "recordings_version": "r1", "packages": str(tmp_path / "packages")}
    return run(Inputs(champion=champion, challenger=challenger, **given, **more))


def noted(challenger: Path, tmp_path: Path) -> str:
    found = delivery_of(str(tmp_path / "packages"), read_manifest(challenger).manifest_sha256, "r1")
    return "" if found is None else f"{found.outcome}: {found.why}"


def test_equal_challenger__goes_on_and_nothing_is_noted(champion: Path, challenger: Path, tmp_path: Path) -> None:
    assert checked(champion, challenger, tmp_path).startswith(f"Of {N} labelled recordings the challenger names 100 %")
    assert noted(challenger, tmp_path) == ""


def test_worse_challenger__is_refused_and_noted(champion: Path, challenger: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseRefusedError, match="names held-out recordings worse than the champion: .*100 right"):
        checked(champion, challenger, tmp_path, n_lost=100)
    assert noted(challenger, tmp_path).startswith("refused: bundle 0-placeholder names held-out recordings worse")


def test_rule__that_the_policy_only_shows_refuses_nothing(champion: Path, challenger: Path, tmp_path: Path) -> None:
    shipped = ReleasePolicy.shipped()
    shown = shipped.rules["replay"].model_copy(update={"dry_run": True})
    policy = shipped.model_copy(update={"rules": {**shipped.rules, "replay": shown}})
    assert "100 right before are wrong now" in checked(champion, challenger, tmp_path, n_lost=100, policy=policy)


@pytest.mark.parametrize(
    ("verdict", "message"),
    [
        ({}, "has no verdict: it is a candidate"),
        (
            {"passed": False, "failed_gates": ["Amphibia: .3"]},
            "the gates refused bundle 0-placeholder .*: Amphibia: .3",
        ),
        ({"passed": "yes"}, "the gates refused"),
    ],
)
def test_gates__that_did_not_let_it_pass_refuse_it(
    champion: Path, verdict: dict[str, Any], message: str, tmp_path: Path
) -> None:
    challenger = sealed_bundle(tmp_path / "bundle", seed=1, verdict=verdict)
    with pytest.raises(ReleaseRefusedError, match=message):
        checked(champion, challenger, tmp_path)
    assert noted(challenger, tmp_path).startswith("refused")


def test_specification__that_clients_depend_on_refuses_it(champion: Path, tmp_path: Path) -> None:
    challenger = sealed_bundle(tmp_path / "bundle", seed=1, spec_sha256="a" * 64)
    with pytest.raises(ReleaseRefusedError, match="another feature specification"):
        checked(champion, challenger, tmp_path, classes=ClassChange(log_mel_requests=3))
