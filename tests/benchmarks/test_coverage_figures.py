"""Coverage's report becomes figures: lines and branches together, by room, and of files that are run the least."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.coverage_figures import figures, main, with_figures, words


def _file(n_lines: int, covered_lines: int, n_branches: int = 0, covered_branches: int = 0) -> dict[str, Any]:
    summary = {
        "num_statements": n_lines,
        "covered_lines": covered_lines,
        "num_branches": n_branches,
        "covered_branches": covered_branches,
    }
    return {"summary": summary}


REPORT = {
    "files": {
        "src/silencio/errors.py": _file(10, 10),
        "src/silencio/data/split.py": _file(60, 60, 20, 16),
        "src/silencio/data/raven.py": _file(8, 4, 2, 0),
        "src/silencio/data/places/deep.py": _file(0, 0),
    }
}


def test_figures__count_lines_and_branches_together() -> None:
    found = figures(REPORT)
    assert (found["n_files"], found["n_lines"], found["n_branches"]) == (4, 78, 22)
    assert found["covered_share"] == 0.9
    assert found["covered_branches_share"] == round(16 / 22, 4)


def test_figures__of_a_room_are_of_its_files_and_those_of_folders_in_it() -> None:
    assert figures(REPORT)["by_room"] == {"data": round(80 / 90, 4), "silencio": 1.0}


def test_figures__name_files_that_are_run_the_least_the_worst_first() -> None:
    report = {"files": {**REPORT["files"], "src/silencio/data/worst.py": _file(10, 1)}}
    assert list(figures(report)["files_below_0.8"].items()) == [
        ("src/silencio/data/worst.py", 0.1),
        ("src/silencio/data/raven.py", 0.4),
    ]


def test_words__say_the_figures_and_which_files_are_run_the_least() -> None:
    paragraph = " ".join(words(figures(REPORT), "2026-11-30").split())
    assert paragraph == (
        "Measured on 2026-11-30: 90.0 % of 78 lines and 22 branches together, 72.7 % of the branches alone; "
        "1 of 4 files are below 80 %, the least: `src/silencio/data/raven.py` (40 %)."
    )
    assert "Nobody has measured" in words(None)


def test_page__has_the_paragraph_in_its_place_and_nothing_else_changed() -> None:
    page = "# Page\n\ntext\n\n<!-- coverage -->\nold\nwords\n\nmore\n"
    assert with_figures(page, "new words.") == "# Page\n\ntext\n\n<!-- coverage -->\nnew words.\n\nmore\n"
    assert with_figures("<!-- coverage -->\nold", "new.") == "<!-- coverage -->\nnew."


@pytest.mark.parametrize(("min_share", "status"), [("0.9", 0), ("0.91", 1)])
def test_command__keeps_the_figures_and_ends_with_1_where_too_little_is_run(
    tmp_path: Path, min_share: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    out = tmp_path / "kept.json"
    page = tmp_path / "page.md"
    page.write_text("<!-- coverage -->\nold\n")
    arguments = [str(tmp_path / "report.json"), "--out", str(out), "--page", str(page), "--min-share", min_share]
    assert main(arguments) == status
    kept = json.loads(out.read_text())
    assert kept["result"] == figures(REPORT)
    assert page.read_text() == f"<!-- coverage -->\n{words(kept['result'], kept['machine']['date'][:10])}\n"
    assert ("90.0% is run, 91% is wanted" in capsys.readouterr().err) is bool(status)
