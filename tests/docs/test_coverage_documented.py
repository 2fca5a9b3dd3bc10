"""docs/developing.md says what the committed figures of coverage say, and they are of all of the library."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from benchmarks.coverage_figures import with_figures, words

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "developing.md").read_text(encoding="utf-8")
KEPT = ROOT / "benchmarks" / "results" / "coverage.json"
MEASURED = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else None


def test_coverage__is_what_the_page_says() -> None:
    paragraph = words(MEASURED["result"], MEASURED["machine"]["date"][:10]) if MEASURED else words(None)
    assert paragraph in PAGE
    assert with_figures(PAGE, paragraph) == PAGE


def test_coverage__that_is_kept_is_enough_and_of_every_room() -> None:
    found = MEASURED["result"] if MEASURED else {"covered_share": 0.9, "by_room": {}}
    assert found["covered_share"] >= 0.9
    # A room that is gone would mean figures of another library.
    assert all((ROOT / "src" / "silencio" / room).is_dir() for room in found["by_room"] if room != "silencio")


def test_coverage__is_of_the_library_with_branches_in_every_process() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]["run"]
    assert settings["branch"] is True
    assert settings["source"] == ["src/silencio"]
    assert set(settings["patch"]) >= {"subprocess", "fork"}
