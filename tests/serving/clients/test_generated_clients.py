"""Clients that are generated from the description predict, as they come."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from serving.local import LocalServers
from serving.transformer.openapi import openapi_text
from tests.serving.clients.conftest import HERE, Run, run


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("described") / "openapi.json"
    path.write_text(openapi_text(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def by_python(
    described: Path, client_tools: Path, send: Run, servers: LocalServers, recording_file: Path
) -> dict[str, Any]:
    folder = described.parent / "python"
    settings = folder.parent / "settings.yml"
    settings.write_text("post_hooks: []\n")
    run(
        *(client_tools / "python" / "bin" / "openapi-python-client", "generate", "--path", described),
        *("--meta", "none", "--output-path", folder / "silencio_client", "--config", settings),
    )
    return send("ask_generated.py", servers.url, recording_file, PYTHONPATH=str(folder))


@pytest.fixture(scope="module")
def by_typescript(described: Path, node_tools: Path, servers: LocalServers, recording_file: Path) -> dict[str, Any]:
    folder = described.parent / "typescript"
    folder.mkdir()
    (folder / "node_modules").symlink_to(node_tools / "node_modules")
    for name in ("ask_typescript.ts", "tsconfig.json"):
        shutil.copy(HERE / name, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    run(node_tools / "node_modules" / ".bin" / "openapi-typescript", described, "-o", folder / "schema.d.ts")
    run(node_tools / "node_modules" / ".bin" / "tsc", "-p", folder)
    return json.loads(run("node", folder / "ask_typescript.js", servers.url, recording_file))


def _windows(answer: dict[str, Any]) -> list[tuple[float, float]]:
    return [(window["start_s"], window["end_s"]) for window in answer["predictions"][0]["windows"]]


def test_python__json_with_no_option_named(by_python: dict[str, Any]) -> None:
    assert _windows(by_python["json"]) == [(0.0, 5.0), (1.0, 6.0)]
    assert by_python["two"] == [2, 2]


def test_python__a_recordings_own_bytes(by_python: dict[str, Any]) -> None:
    assert by_python["upload"]["predictions"] == by_python["json"]["predictions"]
    assert by_python["id"] == "walk-7"


def test_python__tables_are_text(by_python: dict[str, Any]) -> None:
    assert by_python["csv"].startswith("file,start_s,end_s,code,")
    assert by_python["raven"].startswith("Selection\tView\tChannel\t")


def test_python__v2(by_python: dict[str, Any]) -> None:
    assert (by_python["inputs"], by_python["ready"]) == (["audio"], True)
    assert by_python["v2"]["n_windows"] == [2]
    assert json.loads(by_python["v2"]["document"][0]) == by_python["json"]["predictions"][0]


def test_python__a_refusal_is_a_typed_error(by_python: dict[str, Any]) -> None:
    status, text, has_request_id = by_python["refused"]
    assert (status, has_request_id) == (400, True)
    assert text.startswith("instances[0].audio.b64: not base64")


def test_typescript__only_the_sound_need_be_named(by_typescript: dict[str, Any]) -> None:
    assert _windows(by_typescript["json"]) == [(0.0, 5.0), (1.0, 6.0)]


def test_typescript__upload_table_and_v2(by_typescript: dict[str, Any]) -> None:
    assert by_typescript["upload"] == [2, 2]
    assert by_typescript["csv"].startswith("file,start_s,end_s,code,")
    assert by_typescript["v2"] == [2]


def test_typescript__a_refusal_is_a_typed_error(by_typescript: dict[str, Any]) -> None:
    status, text = by_typescript["refused"]
    assert status == 400
    assert text.startswith("instances[0].audio.b64: not base64")
