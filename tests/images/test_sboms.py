"""scripts/write_sboms.py lists what is in an environment: here the servers' own, by the program that images run."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SERVING = ROOT / ".venv-serving"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_sboms", ROOT / "scripts" / "write_sboms.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def listed(script: ModuleType) -> dict[str, Any]:
    if not script.TOOL.is_dir():
        pytest.skip("cyclonedx-bom is not in out/extras: make extras")
    with pytest.MonkeyPatch.context() as patch:
        # `make extras` lays packages beside every interpreter's own; an image has none.
        patch.delenv("PYTHONPATH", raising=False)
        return dict(script.packages_of(str(SERVING / "bin" / "python"), tool=str(script.TOOL)))


def test_list__has_every_package_with_its_version_and_not_the_tool_itself(listed: dict[str, Any]) -> None:
    folders = [str(one) for one in SERVING.glob("lib/python3*/site-packages")]
    installed = {(canonicalize_name(one.metadata["Name"]), one.version) for one in metadata.distributions(path=folders)}
    assert {(canonicalize_name(one["name"]), one["version"]) for one in listed["components"]} == installed
    assert "cyclonedx-bom" not in {name for name, _ in installed}


def test_list__has_licences_and_what_needs_what(listed: dict[str, Any]) -> None:
    (uvicorn,) = (one for one in listed["components"] if one["name"] == "uvicorn")
    assert uvicorn["licenses"] and uvicorn["purl"].startswith("pkg:pypi/uvicorn@")
    (needs,) = (one["dependsOn"] for one in listed["dependencies"] if one["ref"] == uvicorn["bom-ref"])
    assert any(ref.startswith("click==") for ref in needs)


def test_list__of_an_image_says_of_which_and_is_cyclonedx(
    script: ModuleType, listed: dict[str, Any], tmp_path: Path
) -> None:
    made = script.of_image(listed, "silencio/predictor", "0.1.0", f"sha256:{'a' * 64}")
    assert made["metadata"]["component"]["name"] == "silencio/predictor"
    assert made["components"] == listed["components"]
    (tmp_path / "made.json").write_text(json.dumps(made))
    code = (
        "import sys; from cyclonedx.schema import SchemaVersion\n"
        "from cyclonedx.validation.json import JsonStrictValidator\n"
        "print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "made.json")],
        env=os.environ | {"PYTHONPATH": str(script.TOOL)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "None\n"


def test_environment__that_is_not_there_is_one_sentence(script: ModuleType, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'Unable to find image' >&2\nexit 125\n")
    python.chmod(0o755)
    with pytest.raises(script.NotListedError, match=r"does not list its packages \(Unable to find image\)"):
        script.packages_of(str(python), tool="/nowhere")
