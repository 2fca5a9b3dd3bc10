"""Sentences of the README and the docs that files or code could contradict."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from silencio.encoders.registry import encoder_names, known_encoder

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _pinned(path: Path) -> dict[str, str]:
    """Every requirement by name, with its lines."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text(encoding="utf-8").replace("\\\n", " "))
    return {re.split(r"[=<>\[; ]", entry, maxsplit=1)[0]: entry for entry in entries if entry.strip()}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.stem)
def test_requirements__have_a_version_and_hashes_and_no_address(path: Path) -> None:
    for name, entry in _pinned(path).items():
        assert re.search(rf"^{re.escape(name)}(\[[a-z,-]+\])?==[^ ]+ ", entry), entry[:80]
        assert "--hash=sha256:" in entry, name
    assert "://" not in path.read_text(encoding="utf-8")


def test_requirements__all_of_them_are_written_by_make_lock() -> None:
    script = (ROOT / "scripts" / "lock_requirements.sh").read_text(encoding="utf-8")
    written = set(re.findall(r"^(?:lock|compile) ([a-z-]+) ", script, re.MULTILINE))
    assert written == {path.stem for path in REQUIREMENTS}


def test_environments__are_installed_by_hashes_but_for_what_the_readme_names() -> None:
    script = (ROOT / "scripts" / "make_environment.sh").read_text(encoding="utf-8")
    installs = [line for line in script.splitlines() if re.match(r"\s*pip install ", line)]
    unhashed = re.findall(r"'([a-z]+)==", "\n".join(line for line in installs if "--require-hashes" not in line))
    assert unhashed == ["torch", "torchvision"]
    assert re.search(
        r"requirements with hashes, but for\s+torch and torchvision, whose versions alone are pinned", README
    )
    assert len(installs) == len(unhashed) + 2  # the hashed set, and this distribution itself


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"]))
def test_readme__names_every_extra(extra: str) -> None:
    assert f"`{extra}`" in README


@pytest.mark.parametrize("name", ["serve-cpu", "serve-gpu"])
def test_serving_sets__run_every_encoder_that_a_bundle_can_bring(name: str) -> None:
    runtimes = {known_encoder(encoder).spec.runtime for encoder in encoder_names()}
    packages = {"litert": "ai-edge-litert", "onnx": "onnxruntime" if name == "serve-cpu" else "onnxruntime-gpu"}
    assert {packages[runtime] for runtime in runtimes} <= set(_pinned(ROOT / "requirements" / f"{name}.txt"))
    assert "litert" in runtimes


def test_code__knows_taxon_classes_only_where_the_docs_say() -> None:
    names = re.compile(r"\b(?:Aves|Amphibia|Mammalia|Insecta)\b")
    knowing = {
        path.relative_to(ROOT / "src" / "silencio").as_posix()
        for path in (ROOT / "src" / "silencio").rglob("*.py")
        if names.search(re.sub(r'(?s:""".*?""")|#.*', "", path.read_text(encoding="utf-8")))
    }
    # What the placeholder holds are examples, as the demo's tables are data.
    assert knowing - {"bundle/placeholder.py"} == {"detections/prior/birdnet_range.py", "reports/wording.py"}
    assert "BirdNET's range model" in (ROOT / "docs" / "domains.md").read_text(encoding="utf-8")
