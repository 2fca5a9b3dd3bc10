"""`silencio dashboard` as its user starts it, in Debian's Chromium: views, sound, and nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

from silencio.network import free_ports
from tests.browser import open_chromium
from tests.tiny_reserve import write_source
from tests.waiting import until

pytestmark = pytest.mark.monitoring
if importlib.util.find_spec("streamlit") is None:
    pytest.skip("needs .venv-monitor: make monitoring", allow_module_level=True)

# What Chromium opens by itself.
_OWN = ("data", "blob", "chrome", "chrome-search", "chrome-untrusted", "about")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root, port = write_source(tmp_path_factory.mktemp("reserve")), free_ports(1)[0]
    command = [sys.executable, "-m", "silencio", "dashboard", "--data", str(root), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        yield first.split()[0]
        server.terminate()
        server.communicate()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[webdriver.Chrome]:
    with open_chromium(tmp_path_factory.mktemp("profile")) as browser:
        until(lambda: _is_open(browser, address))
        until(lambda: browser.find_elements(By.TAG_NAME, "h1"))
        yield browser


def _is_open(browser: webdriver.Chrome, address: str) -> bool:
    browser.get("about:blank")
    try:
        browser.get(address)
    except WebDriverException as error:  # the server does not listen yet
        if "ERR_CONNECTION_REFUSED" in str(error):
            return False
        raise
    return True


def _open_view(browser: webdriver.Chrome, name: str) -> None:
    until(lambda: browser.find_elements(By.XPATH, f"//label[.//p[text()='{name}']]"))[0].click()
    until(lambda: any(found.text == name for found in browser.find_elements(By.TAG_NAME, "h1")))


def test_dashboard__charts_are_drawn(chromium: webdriver.Chrome) -> None:
    for name in ("Species", "Ratings and lengths"):
        _open_view(chromium, name)
        until(
            lambda: chromium.find_elements(By.CSS_SELECTOR, "[data-testid='stVegaLiteChart'] canvas, .vega-embed svg")
        )


def test_dashboard__a_recording_has_its_picture_and_its_sound(chromium: webdriver.Chrome) -> None:
    _open_view(chromium, "Recordings")
    picture = until(lambda: chromium.find_elements(By.CSS_SELECTOR, "[data-testid='stImage'] img"))[0]
    # An SVG that does not parse, or whose style does not, has no size.
    until(lambda: chromium.execute_script("return arguments[0].naturalWidth", picture))
    sound = until(lambda: chromium.find_elements(By.TAG_NAME, "audio"))[0]
    until(lambda: chromium.execute_script("return arguments[0].duration", sound))
    # The first recording of the first species lasts a second.
    assert chromium.execute_script("return arguments[0].duration", sound) == pytest.approx(1.0, abs=0.05)


def test_dashboard__nothing_is_fetched_from_elsewhere(chromium: webdriver.Chrome, address: str) -> None:
    _open_view(chromium, "Places")
    messages = (json.loads(entry["message"])["message"] for entry in chromium.get_log("performance"))
    urls = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    elsewhere = {
        url for url in urls if urlsplit(url).scheme not in _OWN and urlsplit(url).netloc != urlsplit(address).netloc
    }
    assert any(urlsplit(url).netloc == urlsplit(address).netloc for url in urls)
    assert not elsewhere


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "no-such-folder"], "no-such-folder is not a folder"),
        (["--data", ".", "--port", "70000"], "a port from 1 to 65535 is needed"),
    ],
)
def test_dashboard__what_is_wrong_is_a_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "silencio", "dashboard", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode in (1, 2)
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_dashboard__a_port_that_is_taken_is_a_sentence(address: str, tmp_path: Path) -> None:
    root, port = write_source(tmp_path / "reserve", per_species=1), urlsplit(address).port
    command = [sys.executable, "-m", "silencio", "dashboard", "--data", str(root), "--port", str(port)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on (Address already in use): choose another --port" in ended.stderr
