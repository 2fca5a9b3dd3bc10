"""docs/alerts.md has the alerts, severities, receivers and dashboards that there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from monitoring.grafana.boards import DASHBOARDS
from tests.monitoring.names import MONITORING, alerts

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")


def _rows(heading: str) -> dict[str, list[str]]:
    """By the name in a row's first cell, its other cells."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return {re.findall(r"`(\w+)`", first)[0]: others for first, *others in cells}


def test_alerts__each_has_a_row_with_its_severities_and_its_runbook() -> None:
    assert {name: row[0] for name, row in _rows("alert").items()} == {
        name: ", ".join(dict.fromkeys(rule["labels"]["severity"] for rule in rules)) for name, rules in alerts().items()
    }
    for name in alerts():
        assert f"[`{name}`](../monitoring/runbooks/{name}.md)" in PAGE


def test_severities__are_routed_as_the_page_has_it() -> None:
    read = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    words = {"email": "mail", "slack": "chat", "webhook": "webhook"}
    receivers = {
        one["name"]: {words[key.partition("_")[0]] for key in one if key != "name"} for one in read["receivers"]
    }
    routes = {one["matchers"][0].rpartition(" ")[2]: one["receiver"] for one in read["route"]["routes"]}
    routes["warning"] = read["route"]["receiver"]
    for severity, row in _rows("severity").items():
        assert {word for word in words.values() if re.search(rf"\b{word}\b", row[0])} == receivers[routes[severity]]


def test_dashboards__are_those_that_there_are() -> None:
    assert list(_rows("dashboard")) == [one.name for one in DASHBOARDS]


def test_limits__are_those_of_the_rules() -> None:
    """What a reader would take from the table, against the expressions."""
    expr = {name: str(rules[0]["expr"]) for name, rules in alerts().items()}
    when = {name: row[1] for name, row in _rows("alert").items()}
    for name, said, written in (
        ("SilencioErrorShareHigh", "more than 5 %", "> 0.05"),
        ("SilencioSlow", "longer than a second", "> 1\n"),
        ("SilencioClientErrors", "over a fifth", "> 0.2"),
        ("SilencioQueueLong", "over 100 windows", "> 100"),
        ("SilencioRestarts", "3 times within an hour", "[1h])) >= 3"),
        ("SilencioDriftStale", "over 26 hours", "> 26 * 3600"),
        ("SilencioExpectedPrecisionLow", "5 points", "> 0.05"),
        ("SilencioReviewPrecisionLow", "50 reviews or more 10 points", "> 0.1"),
        ("SilencioModelOld", "60 days", "> 60 * 86400"),
        ("SilencioNodeDiskFilling", "less than 10 %", "< 0.1"),
        ("SilencioCertificateExpires", "within 14 days", "< 14 * 86400"),
        ("SilencioGpuMemoryFull", "over 95 %", "> 0.95"),
        ("SilencioDiskFilling", "less than 15 %", "< 0.15"),
    ):
        assert said in when[name] and written in f"{expr[name]}\n".replace(" and", "\nand"), name
