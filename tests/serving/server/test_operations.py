"""Each further name of the predict route takes one kind of body and gives one kind of answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from serving.server.operations import OPERATIONS, split_operation
from serving.server.protocol import OPERATION_HEADER

MODEL = "/v1/models/silencio"
Make = Callable[..., bytes]
Instance = Callable[[bytes], dict[str, object]]
AUDIO = {"Content-Type": "application/octet-stream"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_split__it_is_the_predict_route(name: str) -> None:
    scope, operation = split_operation({"path": f"{MODEL}:{name}", "query_string": b"top_k=2"})
    assert (scope["path"], scope["raw_path"], operation) == (f"{MODEL}:predict", b"/v1/models/silencio:predict", name)
    assert scope["query_string"] == b"top_k=2"


@pytest.mark.parametrize(
    "path",
    [f"{MODEL}:predict", f"{MODEL}:explain", f"{MODEL}:uploads", f"{MODEL}/upload", "/v2/models/silencio:upload"],
)
def test_split__others_stay(path: str) -> None:
    scope = {"path": path, "raw_path": path.encode()}
    assert split_operation(scope) == (scope, "")


def test_upload__as_predict_answers(http: httpx.Client, recording: Make) -> None:
    by_name, by_predict = (
        http.post(f"{MODEL}:{name}", params={"top_k": 2}, content=recording(), headers=AUDIO).json()
        for name in ("upload", "predict")
    )
    assert by_name["predictions"] == by_predict["predictions"]


def test_tables__as_predict_answers(http: httpx.Client, recording: Make, v1_instance: Instance) -> None:
    body = {"instances": [v1_instance(recording())], "parameters": {"format": "birdclef"}}
    answers = [http.post(f"{MODEL}:{name}", json=body) for name in ("predict_table", "predict")]
    answers.append(http.post(f"{MODEL}:upload_table?format=birdclef", content=recording(), headers=AUDIO))
    assert {one.text for one in answers} == {answers[0].text}
    assert {one.headers["content-type"] for one in answers} == {answers[0].headers["content-type"]}
    assert answers[0].text.startswith("row_id,")


def _refusals(recording: bytes, instance: dict[str, object]) -> list[tuple[str, dict[str, Any], str]]:
    json, table = {"instances": [instance]}, {"instances": [instance], "parameters": {"format": "csv"}}
    upload = {"content": recording, "headers": AUDIO}
    return [
        ("upload", {"json": json}, "body: a recording's own bytes are needed at upload; JSON is for predict"),
        ("upload_table?format=csv", {"json": json}, "body: a recording's own bytes are needed at upload_table"),
        (
            "predict_table",
            upload,
            "body: JSON is needed at predict_table; a recording's own bytes are for upload_table",
        ),
        ("upload?format=csv", upload, "query.format: upload answers JSON"),
        ("upload_table", upload, "query.format: a table's format is needed at upload_table: csv, raven, audacity"),
        ("predict_table", {"json": json}, "parameters.format: a table's format is needed at predict_table"),
        ("predict_table?format=csv", {"json": table}, "query.format: the options of a JSON request stand in its"),
    ]


def test_operations__another_kind_is_refused_and_told_where_to_go(
    http: httpx.Client, recording: Make, v1_instance: Instance
) -> None:
    for route, request, error in _refusals(recording(), v1_instance(recording())):
        answer = http.post(f"{MODEL}:{route}", **request)
        assert (answer.status_code, answer.json()["error"][: len(error)]) == (400, error)


def test_operations__methods_and_names_as_at_predict(http: httpx.Client) -> None:
    wrong = http.get(f"{MODEL}:upload")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST, OPTIONS")
    assert http.options(f"{MODEL}:upload").status_code == 204
    assert http.post("/v1/models/other:upload", content=b"x", headers=AUDIO).status_code == 404


def test_operations__no_client_names_one_by_a_header(http: httpx.Client, recording: Make) -> None:
    headers = {**AUDIO, OPERATION_HEADER: "predict_table"}
    assert http.post(f"{MODEL}:predict", content=recording(), headers=headers).status_code == 200
