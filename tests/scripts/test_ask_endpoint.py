"""What `make demo` ends with."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from silencio.detections import RecordingDocument

SCRIPT = Path(__file__).parents[2] / "scripts" / "ask_endpoint.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ask_endpoint", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(*windows: dict[str, float]) -> RecordingDocument:
    def entry(code: str, probability: float) -> dict[str, Any]:
        names = {"scientific_name": code, "common_name": code.title(), "class_name": "Aves"}
        shown = {"probability": probability, "raw_probability": probability}
        return {"code": code, **names, **shown, "passes_threshold": True, "dropped_by": None}

    return RecordingDocument.model_validate(
        {
            "windows": [
                {"start_s": 2.0 * n, "end_s": 2.0 * n + 2.0, "species": [entry(*one) for one in window.items()]}
                for n, window in enumerate(windows)
            ],
            "detections": [],
            "duration_s": 2.0 * len(windows),
        }
    )


def test_ranked__is_by_the_mean_over_windows_and_not_by_the_first(script: ModuleType) -> None:
    ranked = script._ranked(answer({"owl": 0.6, "cow": 0.4}, {"cow": 0.9, "owl": 0.1}))
    assert [(code, name) for code, name, _ in ranked] == [("cow", "Cow"), ("owl", "Owl")]
    assert [probability for *_, probability in ranked] == pytest.approx([0.65, 0.35])


def test_verdict__names_each_refusal(script: ModuleType, tmp_path: Path) -> None:
    reasons = [
        {"gate": "a", "passed": True, "message": "a is fine", "decides": True},
        {"gate": "b", "passed": False, "message": "b is too low", "decides": True},
    ]
    (tmp_path / "verdict.json").write_text(json.dumps({"passed": False, "reasons": reasons}))
    lines = script._verdict(tmp_path / "verdict.json")
    assert "- b is too low" in lines
    assert not any("a is fine" in line for line in lines)


def test_verdict__what_decided_nothing_is_said_in_either(script: ModuleType, tmp_path: Path) -> None:
    few = {"gate": "calibration", "passed": True, "message": "too few to decide.", "decides": False, "applies": True}
    for passed in (True, False):
        (tmp_path / "verdict.json").write_text(json.dumps({"passed": passed, "reasons": [few]}))
        lines = script._verdict(tmp_path / "verdict.json")
        assert lines[lines.index("Not decided:") + 1] == "- too few to decide."


def test_verdict__a_pass_is_said(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps({"passed": True, "reasons": []}))
    assert script._verdict(tmp_path / "verdict.json") == ["The gates passed it."]
