"""docs/demo.md says what the proofs found."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.proofs import demo_limits, demo_seeds
from silencio.config import preset_text, resolve
from silencio.demo.packages import PACKAGES
from silencio.demo.sources import load_demo_set
from silencio.evaluation.calibration import expected_calibration_error
from silencio.evaluation.calibration_error import calibration_error
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
    minimum = resolve(preset_text("demo")).min_recordings
    counts = Counter(recording.label for recording in load_demo_set().recordings)
    often = {label: n for label, n in counts.items() if n >= minimum}
    assert f"`min_recordings: {minimum}`" in PAGE
    assert f"{len(often)} labels with {sum(often.values())} recordings remain" in PAGE


def test_demo__is_judged_by_the_policy_that_ships() -> None:
    assert resolve(preset_text("demo")).gates == GatePolicy.shipped()


def test_birdnet__is_what_the_proof_found() -> None:
    found = result("demo-limits")["regression_on_birdnet"]
    assert f"over {found['n_splits']} other draws" in PAGE
    assert rows(section("birdnet")) == [
        [
            name.removeprefix("logistic regression on birdnet "),
            short(one["top1"], 3),
            short(one["share_passed"]),
            short(one["share_refused_by"].get("minimum test top1", 0.0)),
            short(one["share_refused_by"].get("beats majority class in top1", 0.0)),
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


def test_seeds__of_eleven_recordings_no_such_error_refuses() -> None:
    # They ran before the calibration gate had an interval; what the page says of today's follows from their errors.
    found = result("demo-seeds")["seeds"].values()
    (n_test,), largest = {one["n_test"] for one in found}, max(one["calibration_error"] for one in found)
    rng, tried = np.random.default_rng(0), []
    while len(tried) < 150:
        # Confidences that are spread, and such that are all alike; outcomes that agree with them, and such that do not.
        same, certain = rng.random() < 0.5, rng.choice([0.0, 0.2, 0.5, 0.8, 1.0])
        confidence = np.full(n_test, rng.uniform(0.1, 1.0)) if same else rng.uniform(0.1, 1.0, n_test)
        hit = rng.random(n_test) < np.where(rng.random(n_test) < 0.5, certain, confidence)
        if largest - 0.1 < expected_calibration_error(confidence, hit) <= largest:
            tried.append(calibration_error(confidence, hit, n_resamples=200).interval[0])
    assert max(tried) < GatePolicy.shipped().max_calibration_error
    left = {seed: set(one["refused_by"]) - {"calibration"} for seed, one in result("demo-seeds")["seeds"].items()}
    assert "seeds 1 to 4 would pass" in PAGE
    assert [seed for seed, gates in left.items() if not gates] == ["1", "2", "3", "4"]


def test_seeds__a_row_has_what_refused_it() -> None:
    one = {"passed": False, "n_right": 4, "n_test": 11, "macro_map": 0.5, "macro_roc_auc": 0.7}
    one |= {
        "soundscapes_macro_roc_auc": 0.6,
        "calibration_error": 0.25,
        "calibration_error_interval": [0.1, 0.4],
        "too_few_for": ["calibration"],
        "refused_by": ["minimum test top1"],
        "processor_s": 9,
    }
    head, _, row, *_, last = demo_seeds.page({"n_passed": 0, "seeds": {"0": one}})
    assert row == "| 0 | refused | 4 of 11 | 0.500 | 0.700 | 0.600 | 0.250 | minimum test top1 | 9 |"
    assert head.count("|") == row.count("|")
    assert last == "0 of 5 passed."
