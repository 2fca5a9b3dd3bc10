"""The verdict's pages in Debian's Chromium: what axe-core finds on them, on a phone, without a script and a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver

from monitoring.drift.pages.facts import PageFacts, SiteFacts, TypicalWindow, WindowPair
from monitoring.drift.pages.write import write_pages
from tests.browser import barriers, open_chromium, shown_as
from tests.monitoring.drift.made_documents import made_document, month

pytestmark = pytest.mark.browser

# As a server in front of the pages may send it: no script runs, nothing is fetched.
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    waveform = np.random.default_rng(0).integers(-3000, 3000, 160_000).astype(np.int16)
    windows = [
        TypicalWindow(
            device_id="am-1",
            recorded_at=f"2026-05-0{day} 05:40 UTC",
            recording_sha256="ab" * 32,
            start_s=5.0,
            facts="Level -38 dB.",
            waveform=waveform,
        )
        for day in (1, 8)
    ]
    pair = WindowPair(device_id="am-1", before=windows[:1], after=windows[1:])
    known = SiteFacts(windows=(pair,), references=("Reference of 7 days.",), evidently=("evidently-north.html",))
    facts = PageFacts(history=[*month(27), made_document()], sites={"north": known})
    folder = tmp_path_factory.mktemp("drift")
    write_pages(str(folder), facts)
    day = folder / f"date={facts.document.day}"
    for page in day.glob("*.html"):
        meta = f'<meta http-equiv="Content-Security-Policy" content="{CSP}">'
        page.write_text(page.read_text().replace("<head>", f"<head>{meta}", 1))
    return {name: day / f"{name}.html" for name in ("index", "site=north", "site=south")}


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1200, "dark")])
@pytest.mark.parametrize("name", ["index", "site=north", "site=south"])
def test_page__has_no_barriers_that_axe_can_see(
    chromium: webdriver.Chrome, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    chromium.get(pages[name].as_uri())
    with shown_as(chromium, width, scheme):
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
        assert barriers(chromium) == []


def test_page__fetches_nothing_and_is_allowed_all_that_it_has(
    chromium: webdriver.Chrome, pages: dict[str, Path]
) -> None:
    chromium.get_log("browser")
    chromium.get(pages["site=north"].as_uri())
    found = chromium.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert [one for one in found if not one.startswith("data:")] == []
    assert chromium.get_log("browser") == []
    pictures = "return [...document.querySelectorAll('svg image')].length"
    assert chromium.execute_script(pictures) == 2


def test_index__leads_to_a_site_and_back(chromium: webdriver.Chrome, pages: dict[str, Path]) -> None:
    chromium.get(pages["index"].as_uri())
    chromium.get(str(chromium.find_element("link text", "north").get_attribute("href")))
    assert chromium.find_element("tag name", "h1").text == "Site north"
    chromium.get(str(chromium.find_element("partial link text", "All sites").get_attribute("href")))
    assert chromium.find_element("tag name", "h1").text == "Friday, 2026-05-08"
