"""The page at `/`: Debian's Chromium against both real servers on a bundle of random weights."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
import soundfile
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from serving.local import LocalServers
from silencio.bundle import Scorer
from tests.browser import barriers, open_chromium, shown_as
from tests.waiting import HANG_S

pytestmark = pytest.mark.browser

_PREDICT = "/v1/models/silencio:predict"
_PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


class _Page:
    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser = browser
        self.requests: list[dict[str, Any]] = []
        browser.get(url)
        self.wait(lambda: self.script("return document.documentElement.dataset.ready"), "the scripts to run")

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        return WebDriverWait(self.browser, HANG_S, poll_frequency=0.05).until(
            lambda _: condition(), f"waited for {what}"
        )

    def script(self, code: str) -> Any:
        return self.browser.execute_script(code)

    def part(self, name: str) -> Any:
        return self.browser.find_element(By.ID, name)

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def upload(self, file: Path) -> None:
        self.part("file").send_keys(str(file))

    def wait_for_answer(self) -> None:
        self.wait(lambda: self.part("facts").text, "an answer")

    def wait_for_text(self, name: str, text: str) -> None:
        self.wait(lambda: self.part(name).text == text, text)

    def sent(self) -> list[dict[str, Any]]:
        """The requests of this page so far."""
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"])
        return self.requests

    def faults(self) -> list[str]:
        """What the console complains of, but for the answers that a test asked for."""
        return [
            entry["message"]
            for entry in self.browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
            and not (entry["source"] == "network" and _PREDICT in entry["message"])
        ]


@pytest.fixture
def page(chromium: webdriver.Chrome, servers: LocalServers) -> Iterator[_Page]:
    """The page, which must neither fail nor ask anybody but its server, whatever is done with it."""
    chromium.get_log("performance")
    chromium.get_log("browser")
    opened = _Page(chromium, f"{servers.url}/")
    yield opened
    hosts = {urlsplit(request["url"]).netloc for request in opened.sent() if request["url"].startswith("http")}
    assert hosts == {urlsplit(servers.url).netloc}
    assert opened.faults() == []


@pytest.fixture(scope="module")
def three_sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tone, noise, silence: the random weights name another species for each."""
    rate_hz = 32_000
    t = np.arange(5 * rate_hz) / rate_hz
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(t))
    samples = np.concatenate([0.5 * np.sin(2 * np.pi * 3_000 * t), noise, np.zeros(5 * rate_hz)])
    file = tmp_path_factory.mktemp("page") / "three sounds.flac"
    soundfile.write(file, samples, rate_hz, subtype="PCM_16")
    return file


def _most_probable(scorer: Scorer, file: Path) -> list[tuple[float, str]]:
    """By window: start, common name."""
    scored, classes = scorer(file.read_bytes()), scorer.bundle.manifest.classes
    best = scored.probabilities.argmax(axis=1)
    assert (scored.probabilities.max(axis=1) > 0.55).all()  # each passes the placeholder's threshold of a half
    return [(start_s, classes[int(i)].common_name) for start_s, i in zip(scored.starts_s, best, strict=True)]


def test_page__uploaded_file_is_drawn_and_its_species_are_listed(
    page: _Page, scorer: Scorer, three_sounds: Path
) -> None:
    page.upload(three_sounds)
    page.wait_for_answer()
    expected = _most_probable(scorer, three_sounds)
    assert len({name for _, name in expected}) == 3

    boxes = page.all("#boxes .box")
    assert [box.text for box in boxes] == [name for _, name in expected]
    assert [float(box.get_attribute("data-start")) for box in boxes] == [start_s for start_s, _ in expected]
    track = page.part("track").rect
    for box, (start_s, _) in zip(boxes, expected, strict=True):
        assert (box.rect["x"] - track["x"]) / track["width"] == pytest.approx(start_s / 15.0, abs=0.01)
    # The last box ends with the recording.
    assert boxes[-1].rect["width"] / track["width"] == pytest.approx(5.0 / 15.0, abs=0.01)

    listed = [row.text for row in page.all("#detections tbody b")]
    assert sorted(listed) == sorted(name for _, name in expected)
    assert "0:05\u20130:10" in page.part("detections").text
    version = scorer.bundle.manifest.version
    assert version in page.part("facts").text


def test_page__spectrogram_shows_the_tone_and_the_silence(page: _Page, three_sounds: Path) -> None:
    page.upload(three_sounds)
    page.wait(lambda: page.part("spectrogram").get_attribute("data-painted"), "the spectrogram")
    # How dark each row is in the middle of either sound.
    tone, silence = np.array(
        page.script(
            "const canvas = document.getElementById('spectrogram');"
            "const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
            "const rows = Array.from({ length: canvas.height }, (_, y) => y * canvas.width);"
            "const columns = [2.5 / 15, 12.5 / 15].map((share) => Math.floor(share * canvas.width));"
            "return columns.map((x) => rows.map((row) => 255 - data[4 * (row + x)]));"
        )
    )
    assert np.ptp(silence) == 0
    top_khz = 16.0
    tone_khz = top_khz * (1 - (tone.argmax() + 0.5) / len(tone))
    assert tone_khz == pytest.approx(3.0, abs=0.15)


def test_page__what_was_not_reported_is_there_on_demand(page: _Page, scorer: Scorer, three_sounds: Path) -> None:
    page.upload(three_sounds)
    page.wait_for_answer()
    below = page.part("below")
    assert not page.part("candidates").is_displayed()
    below.find_element(By.TAG_NAME, "summary").click()
    reported = {name for _, name in _most_probable(scorer, three_sounds)}
    others = {one.common_name for one in scorer.bundle.manifest.classes} - reported
    assert {name.text for name in page.all("#candidates tbody b")} == others
    assert page.part("candidates").text.count("below its threshold") == len(others)


def test_page__a_detection_plays_from_its_beginning_by_keyboard(page: _Page, three_sounds: Path) -> None:
    page.upload(three_sounds)
    page.wait_for_answer()
    # From where it is played, and so slowly that it is not at its end before it is stopped.
    page.script(
        "const audio = document.getElementById('audio'); audio.playbackRate = 0.0625;"
        "audio.addEventListener('play', () => { window.played_from_s = audio.currentTime; });"
    )
    page.all("#boxes .box")[1].send_keys(Keys.ENTER)
    assert page.wait(lambda: page.script("return window.played_from_s"), "the sound") == pytest.approx(5.0, abs=0.1)
    page.part("play").click()
    assert page.part("play").get_attribute("aria-label") == "Play"


def test_page__what_was_odd_about_a_file_is_said(page: _Page, three_sounds: Path, tmp_path: Path) -> None:
    page.upload(three_sounds)
    page.wait_for_answer()
    assert "Note" not in page.part("facts").text
    cut = tmp_path / "cut.flac"
    cut.write_bytes(three_sounds.read_bytes()[:-5_000])
    page.upload(cut)
    page.wait(lambda: "the file is truncated: " in page.part("facts").text, "the note")


def test_page__wrong_file_is_answered_by_the_servers_sentence(page: _Page, tmp_path: Path, http: httpx.Client) -> None:
    for name, media_type in (("notes.txt", "text/plain"), ("broken.ogg", "audio/ogg")):
        file = tmp_path / name
        file.write_bytes(b"A frog, I believe, or a door. " * 20)
        page.upload(file)
        refused = http.post(_PREDICT, content=file.read_bytes(), headers={"Content-Type": media_type})
        assert refused.status_code == 400
        page.wait_for_text("error", refused.json()["error"])
        assert not page.part("result").is_displayed()


def test_page__microphone_is_recorded_and_answered(page: _Page) -> None:
    page.part("record").click()
    page.wait(lambda: page.part("elapsed").text >= "0:01", "a second of sound")
    page.part("stop").click()
    page.wait_for_answer()
    assert not page.part("error").is_displayed()
    assert page.all("tbody tr")
    (requested,) = (one for one in page.sent() if one["method"] == "POST")
    assert requested["headers"]["Content-Type"] == "audio/wav"


def test_page__format_that_only_the_browser_reads_is_sent_as_wav(
    page: _Page, three_sounds: Path, tmp_path: Path
) -> None:
    # Under this name the server takes nothing, and the browser looks at the content.
    memo = tmp_path / "memo.m4a"
    memo.write_bytes(three_sounds.read_bytes())
    page.upload(memo)
    page.wait_for_answer()
    (requested,) = (one for one in page.sent() if one["method"] == "POST")
    assert requested["headers"]["Content-Type"] == "audio/wav"
    assert len(page.all("#boxes .box")) == 3


def test_page__place_time_and_key_go_with_the_question(page: _Page, three_sounds: Path) -> None:
    where = {"latitude": 6.7613, "longitude": -74.2134, "accuracy": 10}
    page.browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["geolocation", "audioCapture"]})
    page.browser.execute_cdp_cmd("Emulation.setGeolocationOverride", where)
    page.part("more").find_element(By.TAG_NAME, "summary").click()
    page.part("position").click()
    page.wait(lambda: page.part("longitude").get_attribute("value"), "the position")
    page.script("document.getElementById('recorded_at').value = '2025-03-21T05:40'")
    page.part("top_k").find_element(By.CSS_SELECTOR, "[value=all]").click()
    page.part("api_key").send_keys("a-secret")
    page.upload(three_sounds)
    page.wait_for_answer()
    (requested,) = (one for one in page.sent() if one["method"] == "POST")
    query = {name: values[0] for name, values in parse_qs(urlsplit(requested["url"]).query).items()}
    # To about a kilometre; the time in UTC, whatever the phone's zone.
    assert (query["latitude"], query["longitude"], query["top_k"]) == ("6.76", "-74.21", "all")
    assert query["recorded_at"].endswith("Z")
    assert requested["headers"]["Authorization"] == "Bearer a-secret"
    assert re.fullmatch("[0-9a-f]{32}", requested["headers"]["X-Session-ID"])
    assert page.script("return localStorage.length + sessionStorage.length + document.cookie.length") == 0


@pytest.mark.parametrize(
    ("kind", "ending", "first"), [("raven", ".Table.1.selections.txt", "Selection\t"), ("json", ".json", "{")]
)
def test_page__answer_can_be_taken_along(
    page: _Page, three_sounds: Path, tmp_path: Path, kind: str, ending: str, first: str
) -> None:
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.upload(three_sounds)
    page.wait_for_answer()
    page.part("download").click()
    page.all(f"[data-format={kind}]")[0].click()
    file = tmp_path / f"{three_sounds.stem}{ending}"
    page.wait(file.exists, "the download")
    assert file.read_text(encoding="utf-8").startswith(first)


def test_page__fits_a_phone(page: _Page, three_sounds: Path) -> None:
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", _PHONE)
    try:
        page.upload(three_sounds)
        page.wait_for_answer()
        page.script("for (const one of document.querySelectorAll('#more, #below')) one.open = true")
        page.part("closer").click()
        assert page.script("return [document.documentElement.scrollWidth, window.innerWidth]") == [360, 360]
        assert page.script("return document.getElementById('scroller').scrollWidth") > 360
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_page__every_control_has_a_name(page: _Page, three_sounds: Path) -> None:
    page.upload(three_sounds)
    page.wait_for_answer()
    nodes = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"button", "textbox", "spinbutton", "slider", "combobox", "DisclosureTriangle", "image", "table"}
    found = [node for node in nodes if not node["ignored"] and node["role"]["value"] in roles]
    assert len(found) > 15
    assert [node["role"]["value"] for node in found if not node.get("name", {}).get("value")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_page__has_no_barriers_that_axe_can_see(page: _Page, three_sounds: Path, width: int, scheme: str) -> None:
    with shown_as(page.browser, width, scheme):
        assert barriers(page.browser) == []
        page.upload(three_sounds)
        page.wait_for_answer()
        page.script("for (const one of document.querySelectorAll('#more, #below')) one.open = true")
        assert barriers(page.browser) == []


def test_page__a_button_that_names_what_it_does_has_no_state_beside_it(page: _Page, three_sounds: Path) -> None:
    page.upload(three_sounds)
    page.wait_for_answer()
    button = page.part("play")
    assert button.get_attribute("aria-label") == "Play"
    button.click()
    page.wait(lambda: button.get_attribute("aria-label") == "Pause", "the sound")
    # "Pause, pressed" would say it twice, and the second time wrongly.
    assert button.get_attribute("aria-pressed") is None
