"""The report in Debian's Chromium: what axe-core finds on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.browser import barriers, open_chromium, shown_as

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory, shown: str) -> Iterator[webdriver.Chrome]:
    """With the report on the made-up model open in it."""
    file = tmp_path_factory.mktemp("shown") / "report.html"
    file.write_text(shown, encoding="utf-8")
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        browser.get(file.as_uri())
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_report__has_no_barriers_that_axe_can_see(chromium: webdriver.Chrome, width: int, scheme: str) -> None:
    with shown_as(chromium, width, scheme):
        assert barriers(chromium) == []


def test_barriers__are_seen(chromium: webdriver.Chrome) -> None:
    # Each planted, so that the tests above would fail: two regions of one name, and text that nobody can read.
    chromium.execute_script(
        "for (const one of [...document.querySelectorAll('[role=region]')].slice(0, 2))"
        " one.setAttribute('aria-label', 'the same');"
        "const text = document.querySelector('main p, p'); text.style.color = '#ddd'; text.style.background = '#fff';"
        "const button = document.createElement('button'); document.querySelector('main').append(button);"
        "button.textContent = '0:00 to 0:05'; button.setAttribute('aria-label', 'Play from 0 to 5');"
    )
    found = {line.split(":")[0] for line in barriers(chromium)}
    assert {"landmark-unique", "color-contrast", "label-content-name-mismatch"} <= found
