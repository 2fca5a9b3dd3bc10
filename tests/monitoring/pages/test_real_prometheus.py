"""Pages of a real Prometheus: its numbers, its alerts, and what stays of them when it is killed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from monitoring.pages.prometheus import Prometheus, PrometheusUnreachableError, QueryRefusedError
from monitoring.pages.write import Request, write_pages
from silencio.network import free_ports
from tests.waiting import HANG_S, until

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed: make extras")

RULES = """
groups:
  - name: story
    rules:
      - alert: StoryTooMany
        expr: story_devices > 2
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.site }} has {{ $value }} devices", description: "Two are <b>expected</b>."}
      - alert: StoryLater
        expr: story_devices > 2
        for: 1h
        labels: {severity: warning}
"""


def _panel(kind: str, title: str, *exprs: str, **more: Any) -> dict[str, Any]:
    targets = [{"expr": expr, "refId": chr(65 + n), "legendFormat": "{{site}}"} for n, expr in enumerate(exprs)]
    return {"type": kind, "title": title, "description": f"What {title} is.", "targets": targets, **more}


BYTES = {"defaults": {"unit": "bytes"}}
BOARD = {
    "title": "Story",
    "description": "A story.",
    "panels": [
        _panel("timeseries", "Requests", 'rate(story_requests_total{site=~"$site"}[$__rate_interval])'),
        _panel("stat", "Devices", "story_devices", fieldConfig={"defaults": {"unit": "short"}}),
        _panel(
            "table", "By site", "story_devices", "story_devices * 1024", fieldConfig={"defaults": {"unit": "bytes"}}
        ),
        _panel("timeseries", "Nothing", 'story_nothing{site="<x>"}'),
        _panel("timeseries", "Nonsense", "rate(story_devices)"),
        _panel("timeseries", "No number", "story_devices / 0 * 0"),
    ],
    "templating": {"list": [{"name": "site", "current": {"value": "$__all"}}]},
}


@dataclass
class Story:
    """A Prometheus, what it scrapes, and where its pages go."""

    url: str
    process: subprocess.Popen[bytes]
    requests: Counter
    request: Request

    def pages(self, **more: Any) -> tuple[Any, Path]:
        now = datetime.now(UTC)
        facts = write_pages(replace(self.request, now=now, **more))
        return facts, self.request.out


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("pages")
    port, scraped = free_ports(2)
    registry = CollectorRegistry()
    requests = Counter("story_requests", "Requests.", ["site"], registry=registry)
    devices = Gauge("story_devices", "Devices.", ["site"], registry=registry)
    devices.labels("ridge").set(3)
    devices.labels("creek").set(2)
    state = Gauge("silencio_release_state", "State.", ["release", "state"], registry=registry)
    state.labels("r7", "baking").set(1)
    state.labels("r7", "promoted").set(0)
    Gauge("silencio_release_share", "Share.", ["release"], registry=registry).labels("r7").set(0.05)
    server, thread = start_http_server(scraped, "127.0.0.1", registry)
    (folder / "boards").mkdir()
    (folder / "boards" / "story.json").write_text(json.dumps(BOARD))
    (folder / "rules.yml").write_text(RULES)
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "story", "static_configs": [{"targets": [f"127.0.0.1:{scraped}"]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    request = Request(
        prometheus=url,
        out=folder / "out",
        now=datetime.now(UTC),
        hours=1 / 60,
        dashboards=folder / "boards",
        runbooks=folder / "runbooks",
    )
    one = Story(url, process, requests, request)

    def scraped_and_firing() -> bool:
        requests.labels("ridge").inc()
        requests.labels("creek").inc()
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        try:
            with Prometheus(url) as prometheus:
                n_scrapes = prometheus.instant("count_over_time(story_devices[1m])", datetime.now(UTC))
                states = {(alert.name, alert.state) for alert in prometheus.alerts()}
        except PrometheusUnreachableError:
            return False  # it listens before it answers
        return ("StoryTooMany", "firing") in states and bool(n_scrapes) and n_scrapes[0].points[0][1] >= 3

    try:
        until(scraped_and_firing, lambda: (folder / "prometheus.log").read_text())
        yield one
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        thread.join(HANG_S)


def test_dashboard__has_every_panels_numbers(story: Story) -> None:
    facts, out = story.pages()
    (board,) = facts.dashboards
    assert (board.n_panels, board.empty, board.refused) == (6, ("Nothing", "No number"), ("Nonsense",))
    page = (out / "story.html").read_text()
    panels = {re.split("</h3>", part)[0]: part for part in page.split("<h3>")[1:]}
    assert panels["Requests"].count("<path") >= 2
    assert ">ridge " in panels["Requests"]
    assert "<b>3</b>" in panels["Devices"]
    assert "3\u202fKiB" in panels["By site"]
    # Four scrapes of a second and more than a step of a second: what Grafana would ask.
    assert "[4s]" in panels["Requests"]
    assert "site=~&quot;.*&quot;" in panels["Requests"]


def test_dashboard__an_empty_panel_names_its_query_and_a_refused_one_why(story: Story) -> None:
    _, out = story.pages()
    panels = {part.split("</h3>")[0]: part for part in (out / "story.html").read_text().split("<h3>")[1:]}
    for title in ("Nothing", "No number"):
        assert "Empty: 1\u202fquery found no number between" in panels[title]
        assert "<details open>" in panels[title]
    assert "story_nothing{site=&quot;&lt;x&gt;&quot;}" in panels["Nothing"]
    assert "parse error" in panels["Nonsense"]
    assert "Empty" not in panels["Nonsense"]


def test_first_page__has_what_fires_and_the_release(story: Story) -> None:
    facts, out = story.pages()
    page = (out / "index.html").read_text()
    assert "1\u202falert firing, 1 critical" in page
    assert "ridge has 3 devices" in page
    assert "Two are &lt;b&gt;expected&lt;/b&gt;." in page
    assert "Pending, not firing yet: StoryLater." in page
    assert [(one.release, one.state, one.share) for one in facts.releases] == [("r7", "baking", 0.05)]
    # A moment before the first scrape knows of nothing.
    early, _ = story.pages(at=datetime.now(UTC) - timedelta(days=1))
    assert (early.alerts, early.releases) == ((), ())
    assert len(early.dashboards[0].empty) == 5


def test_first_page__of_a_moment_ago_has_the_alerts_of_then(story: Story) -> None:
    facts, _ = story.pages(at=datetime.now(UTC) - timedelta(seconds=1))
    assert {(one.name, one.state) for one in facts.alerts} == {("StoryTooMany", "firing"), ("StoryLater", "pending")}


def test_prometheus__scrape_interval_is_its_own(story: Story) -> None:
    with Prometheus(story.url) as prometheus:
        assert prometheus.scrape_interval() == timedelta(seconds=1)
        with pytest.raises(QueryRefusedError, match="bad_data"):
            prometheus.instant("sum(", datetime.now(UTC))


def test_pages__when_prometheus_is_killed_its_last_ones_stay(story: Story) -> None:
    """The last test of these: it takes Prometheus away."""
    good, out = story.pages()
    numbers = (out / "story.html").read_text()
    story.process.kill()
    story.process.wait()
    with pytest.raises(httpx.TransportError):
        httpx.get(story.url, trust_env=False, timeout=HANG_S)
    facts, _ = story.pages()
    assert facts.unreachable_since == facts.written_at
    assert facts.answered_at == good.answered_at
    kept = (out / "story.html").read_text()
    assert re.sub(r'<div class="state">.*?</div>', '<div class="state"></div>', kept, flags=re.DOTALL) == numbers
    assert "Prometheus has not answered since" in kept
    assert "ridge has 3 devices" in (out / "index.html").read_text()
