"""docs/drift_runs.md against the code."""

from __future__ import annotations

import re

import yaml

from monitoring.drift import outcomes
from monitoring.drift.actions import ActionPolicy
from monitoring.drift.gauges import gauges_of
from monitoring.drift.webhook import SIGNATURE_HEADER
from monitoring.steps.drift import SECRET, SECRET_FILE
from silencio.command import FAILED
from silencio.drift import DriftPolicy
from tests.docs.pages import ROOT
from tests.monitoring.drift.made_documents import made_document

PAGE = (ROOT / "docs/drift_runs.md").read_text(encoding="utf-8")


def test_statuses__are_all_there() -> None:
    documented = {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    known = {value for name, value in vars(outcomes).items() if name.isupper()}
    assert documented == known | {FAILED}


def test_gauges__are_all_there() -> None:
    made = {one.name for one in gauges_of(made_document())}
    documented = set(re.findall(r"`(silencio_[a-z_]+)`", PAGE)) - {"silencio_drift_exporter_errors_total"}
    assert documented == made


def test_policy_of_actions__is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found = ActionPolicy.model_validate(yaml.safe_load(text))
    assert found.min_certainty == "likely" and found.actions["weather_and_noise"] == "none"


def test_numbers__are_the_shipped_policys() -> None:
    policy = DriftPolicy.shipped()
    assert f"its first {policy.reference.min_days} to {policy.reference.max_days} days" in PAGE
    assert (policy.alert.days, policy.alert.of) == (3, 4) and "three days of four" in PAGE


def test_names__are_the_codes() -> None:
    for name in (SIGNATURE_HEADER, SECRET, SECRET_FILE):
        assert f"`{name}" in PAGE
