"""The operator's page in Debian's Chromium: nothing is fetched, nothing stands in anybody's way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from selenium import webdriver

from tests.browser import barriers, open_chromium, shown_as
from tests.monitoring.ecology.made_place import CODES, judgement, made_place, run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    place = made_place(tmp_path_factory.mktemp("month"))
    judgements = place.write("judgements.jsonl", [judgement("walk2", 0, CODES[4], "present")])
    out = place.root / "out"
    assert run(["month", *place.options("--judgements", judgements, "--out", out)]) == 0
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        browser.get((out / "index.html").as_uri())
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_month__has_no_barriers_that_axe_can_see(chromium: webdriver.Chrome, width: int, scheme: str) -> None:
    with shown_as(chromium, width, scheme):
        assert barriers(chromium) == []


def test_month__fits_a_phone(chromium: webdriver.Chrome) -> None:
    with shown_as(chromium, 360, "light"):
        wider = chromium.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0


def test_month__fetches_nothing(chromium: webdriver.Chrome) -> None:
    chromium.get_log("performance")
    chromium.refresh()
    messages = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    sent = [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]
    assert all(url.startswith("file:") for url in sent)
    assert len(chromium.find_elements("css selector", "svg[role=img]")) >= 8
