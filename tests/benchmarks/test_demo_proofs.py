"""docs/demo.md says what the proofs found."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.proofs import demo_limits, demo_seeds
from silencio.config import preset_text, resolve
from silencio.data.demo.packages import PACKAGES
from silencio.data.demo.sources import load_demo_set
from silencio.evaluation.gates import GatePolicy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results" / "proofs"


def section(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE, flags=re.DOTALL)
    assert found
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Cells of a table's rows, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:] if "|" in line]


def result(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["result"]


def short(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".removeprefix("0")


def test_page__has_the_packages_and_their_recordings() -> None:
    recordings = Counter(recording.package for recording in load_demo_set().recordings)
    packages = re.findall(r"^\| \w+ `([\w-]+)` \| (\d+) \| .* \| (\d+) \|$", PAGE, flags=re.MULTILINE)
    assert {name: int(n) for name, _, n in packages} == dict(recordings)
    assert {name: int(size) for name, size, _ in packages} == {
        name: round(PACKAGES[name].size_bytes / 1e6) for name in recordings
    }
    assert f"{sum(PACKAGES[name].size_bytes for name in recordings) / 1e6:.0f} MB" in PAGE


def test_page__has_the_classes_that_the_rule_leaves() -> None:
    least = resolve(preset_text("demo")).min_recordings
    counts = Counter(recording.label for recording in load_demo_set().recordings)
    often = {label: n for label, n in counts.items() if n >= least}
    assert f"`min_recordings: {least}`" in PAGE
    assert f"{len(often)} labels with {sum(often.values())} recordings remain" in PAGE


def test_demo__is_judged_by_the_policy_that_ships() -> None:
    assert resolve(preset_text("demo")).gates == GatePolicy.shipped()


def test_calibrated__is_what_the_proof_found() -> None:
    found = result("demo-limits")["share_of_calibrated_models_that_pass"]
    assert rows(section("calibrated")) == [
        [top1, *(short(share) for share in by_n.values())] for top1, by_n in found.items()
    ]


def test_calibrated_models__more_test_recordings_let_more_of_them_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_limits, "_N_DRAWS", 400)
    found = demo_limits.calibrated_models()
    for by_n in found.values():
        shares = list(by_n.values())
        assert shares[0] < shares[-1] and shares[-1] > 0.9
    # The same draws, only fewer: the committed figures are of this function.
    committed = result("demo-limits")["share_of_calibrated_models_that_pass"]
    assert found["0.7"]["20"] == pytest.approx(committed["0.7"]["20"], abs=0.1)


def test_birdnet__is_what_the_proof_found() -> None:
    found = result("demo-limits")["regression_on_birdnet"]
    assert f"over {found['n_splits']} other splits" in PAGE
    assert rows(section("birdnet")) == [
        [
            name.removeprefix("logistic regression on birdnet "),
            short(one["top1"], 3),
            short(one["share_passed"]),
            short(one["share_refused_by"].get("calibration", 0.0)),
            short(one["share_refused_by"].get("minimum test top1", 0.0)),
        ]
        for name, one in found["by_regression"].items()
    ]
    assert not set(demo_limits._SEEDS) & set(demo_seeds.SEEDS)


def test_seeds__are_all_five_or_said_to_be_missing() -> None:
    if not (RESULTS / "demo-seeds.json").exists():
        assert section("demo-seeds").startswith("Not run yet")
        return
    found = result("demo-seeds")
    assert sorted(found["seeds"]) == [str(seed) for seed in range(5)]
    assert section("demo-seeds").strip().splitlines() == demo_seeds.page(found)


def test_seeds__a_row_has_what_refused_it() -> None:
    one = {"passed": False, "n_right": 4, "n_test": 11, "macro_map": 0.5, "macro_roc_auc": 0.7}
    one |= {
        "soundscapes_macro_roc_auc": 0.6,
        "calibration_error": 0.25,
        "refused_by": ["calibration"],
        "processor_s": 9,
    }
    head, _, row, *_, last = demo_seeds.page({"n_passed": 0, "seeds": {"0": one}})
    assert row == "| 0 | refused | 4 of 11 | 0.500 | 0.700 | 0.600 | 0.250 | calibration | 9 |"
    assert head.count("|") == row.count("|")
    assert last == "0 of 5 passed."
