"""The description of the V1 route says what the server really takes and answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from serving.transformer.openapi import openapi, openapi_text

ROUTE = "/v1/models/silencio:predict"
DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
Make = Callable[..., bytes]
Instance = Callable[[bytes], dict[str, object]]


def _check(value: object, name: str) -> None:
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": openapi()["components"]})


def test_openapi__the_committed_one_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi_text(), (
        "write it anew: python -m serving.transformer.openapi > docs/openapi.json"
    )


def test_openapi__is_served(http: httpx.Client) -> None:
    assert http.get("/openapi.json").json() == openapi()


def test_openapi__a_request_and_its_answer_are_as_described(
    http: httpx.Client, recording: Make, v1_instance: Instance
) -> None:
    place = {"latitude": 6.7, "longitude": -74.2, "recorded_at": "2025-03-21T05:40:00Z", "session_id": "walk 7"}
    body: dict[str, Any] = {
        "instances": [v1_instance(recording(12.0)) | place],
        "parameters": {"top_k": 2, "priority": "batch"},
    }
    _check(body, "PredictRequest")
    answer = http.post(ROUTE, json=body)
    assert answer.status_code == 200
    _check(answer.json(), "PredictAnswer")
    assert sorted(answer.json()["stage_ms"]) == ["decode", "features", "names", "predictor"]


def test_openapi__an_error_is_as_described(http: httpx.Client) -> None:
    answer = http.post(ROUTE, json={})
    assert answer.status_code == 400
    _check(answer.json(), "Error")


@pytest.mark.parametrize("wrong", [{}, {"instances": []}, {"instances": [{}]}, {"instances": [], "more": 1}])
def test_openapi__what_the_server_refuses_is_not_described(http: httpx.Client, wrong: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        _check(wrong, "PredictRequest")
    assert http.post(ROUTE, json=wrong).status_code == 400
