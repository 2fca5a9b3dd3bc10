"""The on-call pages in Debian's Chromium: what axe-core finds, on a phone and in the dark; nothing is fetched."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from monitoring.pages.write import Request, write_pages
from silencio.drift.document import CauseFound, DriftDocument, SiteVerdict
from tests.browser import barriers, open_chromium, shown_as

pytestmark = pytest.mark.browser

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ALERT = {
    "labels": {"alertname": "SilencioSlow", "severity": "critical", "namespace": "silencio-production"},
    "annotations": {"summary": "95 of 100 within 2 s", "description": "One second is the limit."},
    "state": "firing",
    "activeAt": "2026-11-30T11:00:00.123456789Z",
}


def _panel(kind: str, title: str, expr: str, width: int = 12) -> dict[str, Any]:
    return {
        "type": kind,
        "title": title,
        "description": f"What {title} is.",
        "gridPos": {"w": width},
        "fieldConfig": {"defaults": {"unit": "s"}},
        "targets": [{"expr": expr, "refId": "A", "legendFormat": "{{arm}}"}],
    }


class _Answers(BaseHTTPRequestHandler):
    """Recorded answers of Prometheus' API: twenty arms over time, nothing for `nothing`."""

    def do_GET(self) -> None:
        data = {"alerts": [ALERT]} if self.path.endswith("/alerts") else {"yaml": "global: {scrape_interval: 15s}"}
        self._send(data)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        arms = range(0 if "nothing" in form["query"][0] or "release" in form["query"][0] else 20)
        if self.path.endswith("/query"):
            found = [{"metric": {"arm": f"v{n}"}, "value": [NOON.timestamp(), f"{n / 7}"]} for n in arms]
            self._send({"resultType": "vector", "result": found})
            return
        begin_s, end_s, step_s = (float(form[key][0]) for key in ("start", "end", "step"))
        times_s = [begin_s + step_s * n for n in range(int((end_s - begin_s) / step_s) + 1)]
        found = [
            {"metric": {"arm": f"v{n}"}, "values": [[at_s, f"{n + math.sin(at_s / 4000)}"] for at_s in times_s]}
            for n in arms
        ]
        self._send({"resultType": "matrix", "result": found})

    def _send(self, data: dict[str, Any]) -> None:
        content = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages with all kinds of panels, whose Prometheus has gone since."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("boards", "runbooks", "drift/date=2026-11-29"):
        (folder / name).mkdir(parents=True)
    panels = [
        {"type": "row", "title": "Service", "targets": []},
        _panel("timeseries", "Time", "a"),
        _panel("timeseries", "Nothing", "nothing"),
        _panel("stat", "Now", "b"),
        _panel("table", "By arm", "c", 24),
        {"type": "text", "title": "Words", "options": {"content": "Read **this**.\n\n| a | b |\n|---|---|\n| 1 | 2 |"}},
    ]
    board = {"title": "Service", "description": "What visitors get.", "panels": panels}
    (folder / "boards" / "service.json").write_text(json.dumps(board))
    runbook = "# SilencioSlow\n\n## Meaning\n\nIt is slow.\n\n```promql\nup == 0\n```\n"
    (folder / "runbooks" / "SilencioSlow.md").write_text(runbook)
    cause = CauseFound(
        cause="microphone_or_site",
        certainty="likely",
        since=date(2026, 11, 27),
        n_days_of_four=3,
        alert=True,
        evidence=("The quiet tenth of d1 fell by 6.0 dB.",),
        action="inspect_device",
    )
    site = SiteVerdict(site_id="ridge", outcome="changed", message="A microphone changed.", causes=(cause,))
    document = DriftDocument(
        day=date(2026, 11, 29),
        made_at=NOON,
        bundle_name="silencio",
        bundle_version="v12",
        policy_sha256="0" * 64,
        sites=(site,),
    )
    (folder / "drift" / "date=2026-11-29" / "drift.json").write_text(document.model_dump_json())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for now, out in ((NOON, "out"), (NOON, "old"), (NOON + timedelta(hours=3), "old")):
        if now != NOON:
            server.shutdown()
            server.server_close()
            thread.join()
        write_pages(
            Request(
                prometheus=f"http://127.0.0.1:{server.server_port}",
                out=folder / out,
                now=now,
                drift=str(folder / "drift"),
                dashboards=folder / "boards",
                runbooks=folder / "runbooks",
            )
        )
    return folder


NAMES = ["out/index.html", "out/service.html", "out/runbooks/SilencioSlow.html", "old/index.html", "old/service.html"]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1200, "light")])
@pytest.mark.parametrize("name", NAMES)
def test_page__has_no_barriers_fits_the_screen_and_fetches_nothing(
    chromium: webdriver.Chrome, pages: Path, name: str, width: int, scheme: str
) -> None:
    chromium.get((pages / name).as_uri())
    with shown_as(chromium, width, scheme):
        assert barriers(chromium) == []
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    found = chromium.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert [one for one in found if not one.startswith("data:")] == []
    assert chromium.execute_script("return document.scripts.length") == 0


def test_pages__lead_from_the_alert_to_its_runbook_and_back(chromium: webdriver.Chrome, pages: Path) -> None:
    def follow(link: str) -> None:
        # Not by the mouse: the page scrolls smoothly, and a click may come before the link is there.
        chromium.execute_script("arguments[0].click()", chromium.find_element(By.LINK_TEXT, link))

    chromium.get((pages / "out" / "index.html").as_uri())
    follow("runbook of SilencioSlow")
    assert chromium.find_element(By.TAG_NAME, "pre").text == "up == 0"
    follow("On call")
    follow("Service")
    assert chromium.find_element(By.TAG_NAME, "h1").text == "Service"


def test_pages__that_are_old_tell_so_at_their_top(chromium: webdriver.Chrome, pages: Path) -> None:
    for name in ("old/index.html", "old/service.html"):
        chromium.get((pages / name).as_uri())
        header = chromium.find_element(By.TAG_NAME, "header").text
        assert "Prometheus has not answered since 2026-11-30 15:00 UTC; it last did 2026-11-30 12:00 UTC." in header
