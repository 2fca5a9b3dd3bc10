"""docs/components.md is what the components and the graphs are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.component_table import component_names, page

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "components.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)`: .*?\| (.*) \|$", DOCUMENTED, flags=re.MULTILINE))


def test_page__is_what_the_components_say() -> None:
    assert page() == DOCUMENTED, "make it again: .venv/bin/python -m pipelines.component_table"


def test_page__has_every_component_once() -> None:
    names = re.findall(r"^\| `(\w+)`: ", DOCUMENTED, flags=re.MULTILINE)
    assert sorted(names) == component_names()


@pytest.mark.parametrize(
    ("component", "cells"),
    [
        ("open_run", ["`name`, `key`", "`Output`", "1 core, 2G; MLflow", "no"]),
        ("calibrate", ["`config`, `classes` (Artifact), `usable` (Dataset), `ensemble` (Model)", "1 core, 2G", "yes"]),
        ("record_heads", ["`run_id`, `head_1` to `head_6` (Model)", "no"]),
        ("pseudo_label", ["`development` ([Dataset])", "; `gpu`: 8 cores, 24G (8G of it shared), 1 GPU", "yes"]),
        ("evaluate", ["`test` ([Dataset])", "`teacher`? (Artifact)", "4 cores, 8G; recordings", "yes"]),
    ],
)
def test_row__of_a_component(component: str, cells: list[str]) -> None:
    assert all(cell in ROWS[component] for cell in cells)
