"""The pages name everything that a run leaves at the top of its folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.train_output import PAGES
from pipelines.train_run import PUBLISHED, PUBLISHED_OF_BOTH

DOCS = Path(__file__).parents[2] / "docs"
PLACES = {*PUBLISHED.values(), *PUBLISHED_OF_BOTH.values()}


def _listed(page: str) -> set[str]:
    """First cells of the first table that names a bundle."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    (table,) = [one for one in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE) if "| `bundle/`" in one]
    cells = [line.split("|")[1] for line in table.splitlines()]
    return {name.rstrip("/") for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("page", ["running", "teaching"])
def test_pages__list_what_a_run_leaves(page: str) -> None:
    others = {"run.log", "artifacts"} if page == "running" else set()
    assert _listed(page) == PLACES | others


def test_terminal__names_what_a_run_leaves() -> None:
    assert set(PAGES) == {*PUBLISHED, *PUBLISHED_OF_BOTH}
