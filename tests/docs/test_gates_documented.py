"""docs/evaluation.md: its own gates as they stand there, and what the calibration proof found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.proofs import calibration_gate, slice_gate
from silencio.config import preset_text, resolve
from silencio.evaluation.calibration_error import MIN_RECORDINGS, CalibrationError
from silencio.evaluation.champion_family import FAMILY_ERROR
from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.gates import Evidence, GatePolicy, apply_gates
from silencio.evaluation.simultaneous import compare_paired

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
SHIPPED = GatePolicy.shipped()


def _section(title: str) -> str:
    return re.split(r"^##+ ", PAGE.split(f"### {title}\n")[1], flags=re.MULTILINE)[0]


OVER, WHOLE = re.findall(r"```yaml\n(.*?)```", _section("Gates of your own"), flags=re.DOTALL)


def _resolved(over: str, *overrides: str) -> GatePolicy:
    return resolve(preset_text("reserve-fast"), over=over, overrides=overrides).gates


def test_example__laid_over_what_ships_changes_what_it_names() -> None:
    minimum = {"macro_map": SHIPPED.minimum["macro_map"], "top1": 0.6, "top5": 0.8}
    assert _resolved(OVER) == SHIPPED.model_copy(
        update={"minimum": minimum, "beats": {**SHIPPED.beats, "texture": ["macro_map"]}, "champion_margin": 0.0}
    )


def test_example__decides_and_says_what_it_took_away() -> None:
    policy = _resolved(OVER)
    better = [
        Comparison(other, name, 0.3, (0.2, 0.4), 80)
        for other in [*policy.beats, *policy.not_worse_than]
        for name in ("macro_map", "top1")
    ]
    figures = {"macro_map": 0.8, "top1": 0.59, "top5": 0.9}
    error = CalibrationError(0.1, (0.0, 0.18), 80)
    verdict = apply_gates(policy, Evidence(figures, {"macro_roc_auc": 0.8}, error, better))
    assert [one.gate for one in verdict.of("refused")] == ["minimum test top1"]
    assert "minimum test macro_roc_auc" in [one.gate for one in verdict.of("not asked")]
    assert "beats texture in macro_map" in [one.gate for one in verdict.of("passed")]


def test_example__a_whole_policy_is_all_that_is_asked() -> None:
    values = yaml.safe_load(WHOLE)["gates"]
    assert values.pop("replace") is True
    assert _resolved(WHOLE) == GatePolicy(**values)


def test_example__single_values_as_they_are_written() -> None:
    first, second = re.findall(r"`--set (gates[^`]+)`", _section("Gates of your own"))
    assert _resolved("", first).minimum == {**SHIPPED.minimum, "top1": 0.6}
    assert "macro_roc_auc" not in _resolved("", second).minimum


def test_numbers__of_the_text_are_those_of_the_code() -> None:
    assert f"fewer than {MIN_RECORDINGS}" in PAGE
    assert f"Below {MIN_RECORDINGS} recordings" in PAGE
    assert f"a limit of {SHIPPED.max_calibration_error:g}" in PAGE


def _proved() -> dict[str, Any]:
    path = ROOT / "benchmarks" / "results" / "proofs" / "calibration-gate.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))["result"])


def test_calibration_gate__is_what_the_proof_found() -> None:
    found = re.search(r"<!-- calibration-gate -->\n(.*?)<!-- /calibration-gate -->", PAGE, flags=re.DOTALL)
    assert found
    assert found[1].strip().splitlines() == calibration_gate.page(_proved()["shares"])


def test_calibration_gate__keeps_its_promises() -> None:
    shares = _proved()["shares"]
    for n, by_amount in shares.items():
        # Honest models, and such as the policy allows, are not refused by chance.
        assert by_amount["0"]["refused"] == 0.0
        assert by_amount["0.1"]["refused"] <= 0.025
        assert by_amount["0.2"]["refused"] <= 0.05
        # Below that number, wrong by half as much again is missed more often than not; "passed" is not said then.
        few = int(n) < MIN_RECORDINGS
        assert (by_amount["0.3"]["refused"] < 0.5) == few
        assert by_amount["0.3"]["passed"] <= (0.05 if few else 0.5)
    # A large test set refuses what is really wrong, and the rule before refused honest models of a small one.
    assert shares["1000"]["0.3"]["refused"] >= 0.99
    assert shares["24"]["0"]["before"] > 0.2


@pytest.mark.parametrize(("n_recordings", "wrong_by"), [(24, 0.0), (24, 0.4), (100, 0.3)])
def test_calibration_gate__the_committed_figures_are_of_this_code(n_recordings: int, wrong_by: float) -> None:
    found = calibration_gate.outcomes(n_recordings, wrong_by, n_models=calibration_gate.N_FIRST)["first"]
    # In each of these cells the gate says two things, so another rule is seen.
    assert len(set(found)) == 2
    assert found == _proved()["shares"][str(n_recordings)][f"{wrong_by:g}"]["first"]


# How often an equal model is refused


def _slice_gate() -> dict[str, Any]:
    path = ROOT / "benchmarks" / "results" / "proofs" / "slice-gate.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))["result"])


@pytest.mark.parametrize(
    ("name", "lines", "of"),
    [
        ("slice-gate", slice_gate.gate_page, "gate"),
        ("replay-bounds", slice_gate.replay_page, "replay"),
        ("replay-losses", slice_gate.losses_page, "losses"),
    ],
)
def test_slice_gate__the_page_has_what_the_proof_found(
    name: str, lines: Callable[[dict[str, Any]], list[str]], of: str
) -> None:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE, flags=re.DOTALL)
    assert found
    assert found[1].strip().splitlines() == lines(_slice_gate()[of])


def test_slice_gate__keeps_its_promises() -> None:
    proved = _slice_gate()
    n_models, gate = proved["n_models"], proved["gate"]
    assert list(gate) == [f"{n_slices}x{n_each}" for n_slices, n_each in slice_gate.CELLS]
    # All cells together are enough models to see more than 1 in 20.
    share = sum(row["equal"]["after"] for row in gate.values()) / len(gate)
    assert share <= FAMILY_ERROR
    for row in gate.values():
        assert row["equal"]["after"] <= FAMILY_ERROR + 2.6 * (FAMILY_ERROR * (1 - FAMILY_ERROR) / n_models) ** 0.5
        assert row["equal"]["before"] > 2 * FAMILY_ERROR
    # A loss of 0.3 on forty recordings is found, in one slice of five more often than in one of ten.
    assert gate["5x40"]["worse"]["after"] >= gate["10x40"]["worse"]["after"] - 0.05 >= 0.6
    assert all(one["failed"] <= proved["alpha"] for one in proved["replay"].values())
    assert all(one["passed"] >= 0.9 for one in proved["replay"].values())


def test_slice_gate__the_committed_figures_are_of_this_code() -> None:
    assert slice_gate.replay_alpha() == _slice_gate()["alpha"]
    found = slice_gate.refused(5, 20, True, n_models=slice_gate.N_FIRST)["first"]
    assert len(set(found)) > 1
    assert found == _slice_gate()["gate"]["5x20"]["worse"]["first"]


def test_slice_gate__what_the_page_tells_of_forty_recordings() -> None:
    n = 240
    amphibia = {"Amphibia": np.arange(n) < 40, "the rest": np.arange(n) >= 40}

    def outcome(lost: int, won: int) -> str:
        champion, challenger = np.ones(n, bool), np.ones(n, bool)
        challenger[:lost], champion[lost : lost + won] = False, False
        return compare_paired(champion, challenger, amphibia, alpha=slice_gate.replay_alpha()).outcome

    assert "Twelve of forty recordings lost and none won fail; twelve lost and two won do not." in PAGE
    assert (outcome(12, 0), outcome(12, 2)) == ("fail", "pass")
