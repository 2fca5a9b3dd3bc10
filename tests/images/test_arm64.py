"""scripts/check_arm64.py on made-up files of an index; `.venv/bin/python scripts/check_arm64.py` asks the real one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ARM, INTEL, SOURCE = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_arm64", ROOT / "scripts" / "check_arm64.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lock(**wheels: str) -> dict[str, Any]:
    """An index with one package, whose wheels are named by their tags."""
    made = [
        {"url": f"https://example.org/files/some_package-1.0-{tags}.whl", "hashes": {"sha256": sha256}}
        for sha256, tags in wheels.items()
    ]
    return {"packages": [{"name": "some-package", "version": "1.0", "wheels": made}]}


def pinned(*hashes: str) -> str:
    return "some-package==1.0 \\\n" + " \\\n".join(f"    --hash=sha256:{one}" for one in hashes) + "\n"


@pytest.mark.parametrize(
    "tags",
    [
        "py3-none-any",
        "cp311-cp311-manylinux_2_28_aarch64",
        "cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64",
        "cp36-abi3-manylinux_2_17_aarch64",
    ],
)
def test_wheel__that_runs_on_arm64_is_found(script: ModuleType, tags: str) -> None:
    assert script.without_wheel(script.pinned_hashes(pinned(INTEL, ARM)), lock(**{ARM: tags})) == []


@pytest.mark.parametrize(
    "tags",
    [
        "cp311-cp311-manylinux_2_28_x86_64",
        "cp311-cp311-musllinux_1_2_aarch64",
        "cp312-cp312-manylinux_2_28_aarch64",
        "cp311-cp311-manylinux_2_39_aarch64",
        "cp311-cp311-macosx_11_0_arm64",
    ],
)
def test_wheel__of_another_machine_is_none(script: ModuleType, tags: str) -> None:
    assert script.without_wheel(script.pinned_hashes(pinned(INTEL, ARM)), lock(**{ARM: tags})) == ["some-package"]


def test_wheel__whose_hash_is_not_pinned_would_be_refused(script: ModuleType) -> None:
    of_arm = "cp311-cp311-manylinux_2_28_aarch64"
    assert script.without_wheel(script.pinned_hashes(pinned(INTEL, SOURCE)), lock(**{ARM: of_arm})) == ["some-package"]


def test_package__that_the_index_does_not_list_is_named(script: ModuleType) -> None:
    assert script.without_wheel(script.pinned_hashes(pinned(ARM)), {"packages": []}) == ["some-package"]


@pytest.mark.parametrize("name", ["serve-cpu", "serve-gpu", "build"])
def test_requirements__all_are_read_with_their_hashes(script: ModuleType, name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    found = script.pinned_hashes(text)
    assert len(found) == text.count("==")
    assert sum(map(len, found.values())) == len(set(text.split("--hash=")[1:])) == text.count("--hash=")
