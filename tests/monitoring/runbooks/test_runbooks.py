"""Each alert has its page, each page its parts, and its queries are PromQL."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.monitoring.names import RUNBOOKS, alerts, runbook_queries

PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "When it is false"]


def test_alerts__have_a_page_each_and_pages_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS} == set(alerts())
    for name, variants in alerts().items():
        for rule in variants:
            assert rule["annotations"]["runbook_url"].endswith(f"/runbooks/{name}.html")


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_page__has_its_parts_its_severity_and_three_queries(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == PARTS
    for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        assert len(part.split()) >= 1
    severities = dict.fromkeys(rule["labels"]["severity"] for rule in alerts()[path.stem])
    assert f"Severity: {' or '.join(severities)}." in text
    assert len(runbook_queries(path)) == 3


def test_pages__name_alerts_that_there_are() -> None:
    for path in RUNBOOKS:
        named = set(re.findall(r"\bSilencio[A-Z]\w+", path.read_text(encoding="utf-8")))
        assert named <= set(alerts()), path.stem


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not at hand: make extras")
def test_queries__are_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"runbook:{path.stem}:query{i}", "expr": text}
        for path in RUNBOOKS
        for i, text in enumerate(runbook_queries(path))
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
    command = ["promtool", "check", "rules", tmp_path / "rules.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
