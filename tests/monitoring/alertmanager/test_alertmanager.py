"""Who is called for what, and what is silent beside what: by amtool, and by a real Alertmanager."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.monitoring.names import alerts
from tests.monitoring.real_alertmanager import PROGRAM, running_alertmanager
from tests.waiting import HANG_S, until

CONFIG = Path(__file__).parents[3] / "monitoring" / "alertmanager" / "alertmanager.yml"
READ = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
RECEIVERS = {"critical": "on_call", "warning": "team", "info": "record"}
needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not at hand: make extras")
needs_alertmanager = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="no Alertmanager: make extras")
NORTH = {"namespace": "silencio-production", "site": "north"}
# What is there, what it silences, and what else is there and is not silent.
INHIBITED = [
    (
        ("SilencioReleaseUnderway", {"namespace": "silencio-production", "release": "r7"}),
        ("SilencioDriftRelease", NORTH),
        ("SilencioDriftRelease", {**NORTH, "namespace": "silencio-staging"}),
    ),
    (
        ("SilencioReleaseUnderway", {"namespace": "silencio-production", "release": "r7"}),
        ("SilencioExpectedPrecisionLow", NORTH),
        ("SilencioDriftMicrophoneOrSite", NORTH),
    ),
    (
        ("SilencioReleaseUnderway", {"namespace": "silencio-production", "release": "r7"}),
        ("SilencioDriftRelease", NORTH),
        ("SilencioErrorShareHigh", {"namespace": "silencio-production", "arm": "v13"}),
    ),
    (
        ("SilencioTargetDown", {"namespace": "silencio-production", "job": "silencio-production/silencio"}),
        ("SilencioSlow", {"namespace": "silencio-production", "arm": "v12"}),
        ("SilencioSlow", {"namespace": "silencio-staging", "arm": "v12"}),
    ),
    (
        ("SilencioTargetDown", {"namespace": "silencio-production", "job": "silencio-drift"}),
        ("SilencioDriftStale", {"namespace": "silencio-production"}),
        # What is away is none of visitors' servers.
        ("SilencioSlow", {"namespace": "silencio-production", "arm": "v12"}),
    ),
    (
        ("SilencioNothingServes", {"namespace": "silencio-production"}),
        ("SilencioNothingArrives", {"namespace": "silencio-production"}),
        ("SilencioNodeDiskFilling", {"instance": "node-1"}),
    ),
    (
        ("SilencioEndpointUnreachable", {"instance": "https://wildlife.example.org"}),
        ("SilencioNothingArrives", {"namespace": "silencio-production"}),
        ("SilencioErrorShareHigh", {"namespace": "silencio-production"}),
    ),
    (
        ("SilencioDriftMicrophoneOrSite", {**NORTH, "cause": "microphone_or_site"}),
        ("SilencioExpectedPrecisionLow", NORTH),
        ("SilencioExpectedPrecisionLow", {**NORTH, "site": "south"}),
    ),
    (
        ("SilencioDriftWeatherAndNoise", {**NORTH, "cause": "weather_and_noise"}),
        ("SilencioExpectedPrecisionLow", NORTH),
        ("SilencioReviewPrecisionLow", NORTH),
    ),
    (
        ("SilencioPredictionLogStale", {"namespace": "silencio-production"}),
        ("SilencioPredictionLogDrops", {"namespace": "silencio-production", "reason": "full"}),
        ("SilencioDriftStale", {"namespace": "silencio-production"}),
    ),
]


def test_inhibitions__name_alerts_that_there_are() -> None:
    for rule in READ["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            for pattern in re.findall(r"alertname =~? (.+)", "\n".join(rule[side])):
                for one in re.split(r"\|(?![^(]*\))", pattern):
                    assert [name for name in alerts() if re.fullmatch(one, name)], one


def test_receivers__are_mail_chat_and_webhook_by_severity() -> None:
    """What wakes people reaches them by all three; what is only kept, by none that rings."""
    kinds = {one["name"]: {key.partition("_")[0] for key in one if key != "name"} for one in READ["receivers"]}
    assert kinds == {"record": {"webhook"}, "team": {"slack", "email"}, "on_call": {"slack", "email", "webhook"}}


@needs_amtool
@pytest.mark.parametrize("name", sorted(alerts()))
def test_alert__goes_where_its_severity_leads(name: str) -> None:
    for rule in alerts()[name]:
        labels = {"alertname": name, "namespace": "silencio-production", **rule["labels"]}
        command = ["amtool", "config", "routes", "test", f"--config.file={CONFIG}"]
        done = subprocess.run(
            [*command, *(f"{key}={value}" for key, value in labels.items())],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [RECEIVERS[rule["labels"]["severity"]]]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real one by the committed file; nobody is reached from here."""
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager"), CONFIG) as url:
        yield url


def _alert(name: str, labels: dict[str, str], case: str) -> dict[str, Any]:
    """As Prometheus would send it; `case` keeps the cases apart, as an environment of its own each."""
    of_rule = alerts()[name][0]["labels"]
    of_alert = {**of_rule, **labels, "alertname": name, "case": case}
    if "namespace" in labels:
        of_alert["namespace"] = f"{labels['namespace']}-{case}"
    begun = datetime.now(UTC)
    return {"labels": of_alert, "startsAt": begun.isoformat(), "endsAt": (begun + timedelta(hours=1)).isoformat()}


@needs_alertmanager
@pytest.mark.parametrize("number", range(len(INHIBITED)), ids=lambda i: f"{INHIBITED[i][0][0]}-{INHIBITED[i][1][0]}")
def test_alert__is_silent_beside_its_cause_and_others_are_not(alertmanager: str, number: int) -> None:
    """What has no environment (an address outside) is posted last, and silences what others posted before."""
    made = [_alert(name, labels, str(number)) for name, labels in INHIBITED[number]]
    client = httpx.Client(base_url=alertmanager, trust_env=False, timeout=HANG_S)
    with client:
        assert client.post("/api/v2/alerts", json=made).is_success

        def silent() -> dict[str, bool]:
            found = client.get("/api/v2/alerts", params={"filter": f'case="{number}"'}).json()
            return {
                str(sorted(one["labels"].items())): bool(one["status"]["inhibitedBy"])
                for one in found
                if one["status"]["state"] != "unprocessed"
            }

        source, target, other = (str(sorted(one["labels"].items())) for one in made)
        until(lambda: silent() == {source: False, target: True, other: False}, silent)


@needs_alertmanager
def test_budget__that_burns_fast_silences_its_ticket(alertmanager: str) -> None:
    fast, slow = (
        {**_alert("SilencioLatencyBudgetBurn", {"namespace": "silencio-production"}, "budget")} for _ in range(2)
    )
    fast["labels"] |= {"severity": "critical", "window": "1h"}
    slow["labels"] |= {"severity": "warning", "window": "3d"}
    with httpx.Client(base_url=alertmanager, trust_env=False, timeout=HANG_S) as client:
        assert client.post("/api/v2/alerts", json=[fast, slow]).is_success

        def silent() -> dict[str, bool]:
            found = client.get("/api/v2/alerts", params={"filter": 'case="budget"'}).json()
            return {one["labels"]["window"]: bool(one["status"]["inhibitedBy"]) for one in found}

        until(lambda: silent() == {"1h": False, "3d": True}, silent)
