"""The release's page in Debian's Chromium: what axe-core finds on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from silencio.reports.release import HTML, ReleaseInputs, write_release_page
from tests.browser import barriers, open_chromium, shown_as
from tests.unit.reports.release.conftest import at, made_record

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(inputs: ReleaseInputs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """With all evidence in the midst of a step, rolled back, and of a release of which nothing is known yet."""
    nothing: dict[str, Any] = {"state": "staged", "intervals": (), "history": ()}
    made = {
        "step": inputs,
        "rolled_back": replace(inputs, record=made_record(state="rolled_back", rule="errors")),
        "bare": ReleaseInputs(record=made_record(**nothing), written_at=at(75)),
    }
    folder = tmp_path_factory.mktemp("release")
    for name, one in made.items():
        write_release_page(folder / name, one)
    return {name: folder / name / HTML for name in made}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", ["step", "rolled_back", "bare"])
def test_page__has_no_barriers_that_axe_can_see(
    chromium: webdriver.Chrome, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    chromium.get(pages[name].as_uri())
    with shown_as(chromium, width, scheme):
        assert barriers(chromium) == []


def test_page__is_no_wider_than_a_phone(chromium: webdriver.Chrome, pages: dict[str, Path]) -> None:
    chromium.get(pages["step"].as_uri())
    with shown_as(chromium, 360, "light"):
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= 360


def test_page__asks_for_nothing_but_itself(chromium: webdriver.Chrome, pages: dict[str, Path]) -> None:
    chromium.get(pages["step"].as_uri())
    found = chromium.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert [one for one in found if not one.startswith("data:")] == []
