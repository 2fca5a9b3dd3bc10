"""The description of the routes says what the server really takes and answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from serving.metrics.routes import template_of
from serving.server.middleware import OPEN_ROUTES
from serving.transformer.openapi import openapi, openapi_text

ROUTE = "/v1/models/silencio:predict"
DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"
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


def test_openapi__what_is_sent_has_no_default() -> None:
    """Generated clients send defaults as if they had been chosen, and openapi-typescript wants what has one."""
    described = openapi()
    parameters = [one for path in described["paths"].values() for one in path.get("post", {}).get("parameters", [])]
    sent = [described["components"]["schemas"][name] for name in ("PredictRequest", "Instance", "InferParameters")]
    fields = [field for schema in sent for field in schema["properties"].values()]
    assert not [one for one in [*parameters, *fields] if "default" in one or "default" in one.get("schema", {})]
    assert "Default: 5." in described["components"]["schemas"]["PredictOptions"]["properties"]["top_k"]["description"]


def test_openapi__what_is_answered_is_all_there() -> None:
    answered = openapi()["components"]["schemas"]["RecordingDocument"]
    assert answered["required"] == list(answered["properties"])


def test_openapi__one_operation_takes_one_kind_and_gives_one() -> None:
    for path, item in openapi()["paths"].items():
        for operation in item.values():
            for content in (operation.get("requestBody"), operation["responses"]["200"]):
                schemas = {str(one["schema"]) for one in (content or {}).get("content", {}).values()}
                assert len(schemas) <= 1, path


def test_openapi__statuses_with_their_headers() -> None:
    paths = openapi()["paths"]
    answers = paths["/v1/models/silencio:predict"]["post"]["responses"]
    assert sorted(answers) == ["200", "400", "401", "404", "405", "408", "413", "415", "429", "431", "500", "503"]
    assert sorted(paths["/v2/models/silencio/infer"]["post"]["responses"]) == sorted(answers)
    ids = {"X-Request-ID", "X-Silencio-Request-ID"}
    assert all(ids <= set(one["headers"]) for one in answers.values())
    headers = {status: set(one["headers"]) - ids for status, one in answers.items()}
    assert {status: names for status, names in headers.items() if names} == {
        "401": {"WWW-Authenticate"},
        "405": {"Allow"},
        "415": {"Accept-Encoding"},
        "429": {"Retry-After"},
        "503": {"Retry-After"},
    }


def test_openapi__a_key_is_one_of_two_or_none() -> None:
    described = openapi()
    assert described["security"] == [{}, {"bearer": []}, {"api_key": []}]
    assert set(described["components"]["securitySchemes"]) == {"bearer", "api_key"}
    opened = {path for path, item in described["paths"].items() for one in item.values() if one.get("security") == []}
    assert opened == {path for path in described["paths"] if template_of(path) in OPEN_ROUTES}


@pytest.mark.parametrize("moment", ["2025-03-21T05:40:00Z", "2025-03-21t05:40:00.25-05:00", "2025-03-21T05:40:00z"])
def test_openapi__a_date_time_is_taken(http: httpx.Client, recording: Make, v1_instance: Instance, moment: str) -> None:
    field = openapi()["components"]["schemas"]["Instance"]["properties"]["recorded_at"]
    assert {"type": "string", "format": "date-time"} in field["anyOf"]
    body = {"instances": [v1_instance(recording()) | {"recorded_at": moment}]}
    assert http.post(ROUTE, json=body).status_code == 200


def test_openapi__a_whole_number_may_have_a_point(http: httpx.Client, recording: Make, v1_instance: Instance) -> None:
    """To JSON Schema 2.0 is an integer; languages with one kind of number write it so."""
    body = json.dumps({"instances": [v1_instance(recording())], "parameters": {"top_k": 2.0}})
    assert '"top_k": 2.0' in body
    answers = [http.post(ROUTE, content=body), http.post(f"{ROUTE}?top_k=2.0", content=recording())]
    found = [answer.json()["predictions"][0]["windows"][0]["species"] for answer in answers]
    assert [len(species) for species in found] == [2, 2]


def test_openapi__the_routes_of_v2_answer_as_described(http: httpx.Client, recording: Make) -> None:
    tensor = {"name": "audio", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(recording()).decode()]}
    body = {"inputs": [tensor], "parameters": {"top_k": 2}, "outputs": [{"name": "n_windows"}]}
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v2") or method == "get":
                answer = http.request(method, path, json=body if method == "post" else None)
                content = operation["responses"]["200"]["content"]["application/json"]
                assert answer.status_code == 200, path
                jsonschema.validate(answer.json(), content["schema"] | {"components": openapi()["components"]})


def test_openapi__an_error_is_as_described(http: httpx.Client) -> None:
    answer = http.post(ROUTE, json={})
    assert answer.status_code == 400
    _check(answer.json(), "Error")


@pytest.mark.parametrize("wrong", [{}, {"instances": []}, {"instances": [{}]}, {"instances": [], "more": 1}])
def test_openapi__what_the_server_refuses_is_not_described(http: httpx.Client, wrong: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        _check(wrong, "PredictRequest")
    assert http.post(ROUTE, json=wrong).status_code == 400
