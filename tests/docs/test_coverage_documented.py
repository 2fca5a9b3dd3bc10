"""docs/developing.md says what the committed figures of coverage say, and `make coverage` asks for no less."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "developing.md").read_text(encoding="utf-8").split())
FOUND = json.loads((ROOT / "benchmarks" / "results" / "coverage.json").read_text(encoding="utf-8"))["result"]


def test_coverage__is_what_the_page_says() -> None:
    assert FOUND["covered_share"] >= 0.9
    assert f"{FOUND['covered_share']:.1%} of lines and branches".replace("%", " %") in PAGE
    assert f"{FOUND['covered_branches_share']:.1%} of branches alone".replace("%", " %") in PAGE


def test_coverage__is_of_the_library_with_branches_in_every_process() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]["run"]
    assert settings["branch"] is True
    assert settings["source"] == ["src/silencio"]
    assert set(settings["patch"]) >= {"subprocess", "fork"}
    # Every room was looked at.
    rooms = {path.name for path in (ROOT / "src" / "silencio").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= set(FOUND["by_room"])
