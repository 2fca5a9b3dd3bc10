"""Why a step runs again, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.local.differences import differences


def asked(**changes: Any) -> dict[str, Any]:
    inputs = {
        "config": json.dumps({"gates": {"minimum": {"top1": 0.4}, "margin": 0.0}}),
        "evaluation": "a1",
        "part": "",
    }
    known = {"code": "c1", "places": {"data": "v1"}, "inputs": inputs | {"data": "/data"}, "artifacts": ["evaluation"]}
    return {**known, **{name: value for name, value in changes.items() if name != "inputs"}} | {
        "inputs": known["inputs"] | changes.get("inputs", {})
    }


def settings(text: str) -> dict[str, Any]:
    return {"inputs": {"config": text}}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (asked(), ""),
        (asked(code="c2"), "the code, its libraries or the places that it may read are others"),
        (asked(places={"data": "v2"}), "what lies at /data is another"),
        (asked(inputs={"evaluation": "a2"}), "its input evaluation is another"),
        (asked(inputs={"part": "test"}), 'part is "test" (was "")'),
        (
            asked(**settings('{"gates": {"minimum": {"top1": 0.6}, "margin": 0.0}}')),
            "gates.minimum.top1 is 0.6 (was 0.4)",
        ),
        (asked(**settings('{"gates": {"minimum": {}, "margin": 0.0}}')), "gates.minimum.top1 is gone (was 0.4)"),
        (
            asked(**settings('{"gates": {"minimum": {"top1": 0.4, "map": 0.3}, "margin": 0.0}}')),
            "gates.minimum.map is 0.3",
        ),
        (
            asked(**settings('{"gates": {"minimum": {"a": 1, "b": 2, "c": 3, "top1": 0.4}, "margin": 1}}')),
            "gates.minimum.a is 1; gates.minimum.b is 2; gates.minimum.c is 3; and 1 more",
        ),
    ],
)
def test_differences__say_what_changed(now: dict[str, Any], words: str) -> None:
    assert differences(asked(), now) == words


def test_differences__of_a_file_that_is_named_and_of_recordings() -> None:
    before = asked(inputs={"config": '{"files": ["/w 1 2"]}', "inputs_version": "1", "config_sha256": "0" * 64})
    now = asked(inputs={"config": '{"files": ["/w 1 3"]}', "inputs_version": "2", "config_sha256": "1" * 64})
    words = differences(before, now)
    assert "a file that it names was changed" in words
    assert "recordings were added, removed or changed" in words
    assert "config_sha256 is another" in words
