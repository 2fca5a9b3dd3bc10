"""Debian's Chromium, and axe-core in it, for tests of pages."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.waiting import HANG_S

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
# The package brings axe-core as one file; nothing of it is imported.
_AXE_PACKAGE = "axe_playwright_python"
# `experimental` has the rule that a name holds the text that is seen (WCAG 2.5.3).
_AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]


@contextlib.contextmanager
def open_chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser; the test is skipped where there is none.

    Args:
        profile: An empty folder.
    """
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for option in (*_OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    browser.set_script_timeout(HANG_S)
    yield browser
    browser.quit()


@contextlib.contextmanager
def shown_as(browser: webdriver.Chrome, width: int, scheme: str) -> Iterator[None]:
    """The open page on a screen of so many pixels, `light` or `dark`."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def barriers(browser: webdriver.Chrome) -> list[str]:
    """What axe-core finds on the open page: one line an element. What it cannot decide is not among it."""
    found = importlib.util.find_spec(_AXE_PACKAGE)
    if found is None or found.origin is None:
        pytest.skip("needs axe-core: scripts/install_browser.sh, as make browser does")
    browser.execute_script((Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    answer: dict[str, Any] = browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, { runOnly: { type: 'tag', values: arguments[0] }, resultTypes: ['violations'] })"
        ".then(({ violations, passes }) => done({ violations, n_passed: passes.length }),"
        " (error) => done({ error: `${error}` }));",
        _AXE_TAGS,
    )
    assert "error" not in answer, answer
    assert answer["n_passed"] > 10, "axe-core looked at nothing"
    return [
        f"{rule['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for rule in answer["violations"]
        for node in rule["nodes"]
    ]
