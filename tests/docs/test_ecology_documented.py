"""docs/ecology.md: its files are ones that the commands take, and its tables are those that they write."""

from __future__ import annotations

import re

import pytest
import yaml
from pydantic import BaseModel

from monitoring.ecology.dataset import Dataset
from monitoring.ecology.month_tables import tables
from silencio.ecology import Places
from silencio.ecology.sensitive import DEGREES, SensitiveList
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "ecology.md").read_text(encoding="utf-8")
_YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("place", "model"), [(0, Places), (1, Dataset), (2, SensitiveList)])
def test_page__its_files_are_taken(place: int, model: type[BaseModel]) -> None:
    model.model_validate(yaml.safe_load(_YAML[place]))


def test_page__its_tables_are_those_that_are_written() -> None:
    named = set(re.findall(r"`(\w+\.csv)`", PAGE)) - {"effort_minutes.csv", "history.csv"}
    assert named == set(tables([]))


def test_page__its_degrees_are_those_of_the_categories() -> None:
    assert DEGREES == {1: 1.0, 2: 0.1, 3: 0.01, 4: 0.001}
