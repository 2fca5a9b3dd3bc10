"""docs/releasing.md has every rule, state, verdict and field of the policy, with the policy's own numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from silencio.release.policy import ReleasePolicy, RulePolicy
from silencio.release.record import ENDED, State
from silencio.release.verdict import Consequence, Outcome
from silencio.reports.release.write import HTML, JSON
from silencio.reports.wording import NOTHING

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
SHIPPED = ReleasePolicy.shipped()


def _section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _table(text: str, first: str) -> dict[str, list[str]]:
    """Rows of the table whose first column has this heading, by the name in their first cell."""
    lines = text.partition(f"| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


RULE_ROWS = _table(_section("What a rule says"), "rule")
STATE_ROWS = _table(_section("What a state means"), "state")
VERDICT_ROWS = _table(_section("What a rule says"), "verdict")
FIELD_ROWS = _table(_section("The policy"), "field")


def test_rules__are_those_of_the_policy_that_ships_in_its_order() -> None:
    assert list(RULE_ROWS) == list(SHIPPED.rules)


@pytest.mark.parametrize("name", SHIPPED.rules)
def test_rule__row_has_what_the_policy_says(name: str) -> None:
    rule = SHIPPED.rules[name]
    looks_at, unit, alpha, tolerance, limit, consequence, visible = RULE_ROWS[name]
    assert min(len(looks_at), len(unit), len(visible)) > 3
    assert alpha == (NOTHING if rule.alpha is None else f"{rule.alpha:g}")
    for cell, value in ((tolerance, rule.tolerance), (limit, rule.limit)):
        assert (cell == NOTHING) == (value is None)
        assert value is None or re.match(rf"{value:g}\b", cell)
    assert consequence.startswith(f"`{rule.decides}`")


@pytest.mark.parametrize("name", SHIPPED.rules)
def test_rule__that_holds_says_what_to_do_then(name: str) -> None:
    if SHIPPED.rules[name].decides == "hold":
        assert f"| `{name}`" in _section("When it is held")


def test_alphas__sum_to_the_familys_error_as_the_page_says() -> None:
    assert "The alphas sum to `family_error`" in PAGE
    spent = sum(rule.alpha or 0.0 for rule in SHIPPED.rules.values())
    assert spent == pytest.approx(SHIPPED.family_error)


@pytest.mark.parametrize("state", get_args(State))
def test_state__has_its_row(state: State) -> None:
    means, exposed, follows = STATE_ROWS[state]
    assert len(means.split()) > 2
    assert exposed
    if state in ENDED:
        assert follows.startswith("nothing")


def test_states__of_the_picture_are_those_of_the_record() -> None:
    picture = PAGE.partition("```mermaid")[2].partition("```")[0]
    named = set(re.findall(r"^\s+(\w+) -->", picture, re.MULTILINE)) | set(re.findall(r"--> (\w+)", picture))
    assert named <= set(get_args(State))
    assert {"staged", "dark", "step", "baking", "promoted", "held", "rolled_back", "refused"} <= named


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_verdict__has_its_row_and_only_a_pass_advances(outcome: Outcome) -> None:
    follows = VERDICT_ROWS[outcome][1]
    assert ("next step" in follows) == (outcome == "pass")


@pytest.mark.parametrize("consequence", get_args(Consequence))
def test_consequence__is_named(consequence: Consequence) -> None:
    assert f"`{consequence}`" in _section("What a rule says")


@pytest.mark.parametrize("name", ReleasePolicy.model_fields)
def test_field__of_the_policy_has_its_row_with_what_ships(name: str) -> None:
    shipped, meaning = FIELD_ROWS[name]
    assert len(meaning.split()) >= 2
    value = getattr(SHIPPED, name)
    if isinstance(value, bool):
        assert shipped == str(value).lower()
    elif isinstance(value, int | float):
        assert shipped == f"{value:g}"
    elif name == "steps":
        assert shipped == ", ".join(f"{step:g}" for step in value)


def test_fields__of_the_page_are_those_of_the_policy() -> None:
    assert list(FIELD_ROWS) == list(ReleasePolicy.model_fields)
    text = (ROOT / "src/silencio/presets/release/policy.yaml").read_text(encoding="utf-8")
    assert set(FIELD_ROWS) == set(yaml.safe_load(text))


@pytest.mark.parametrize("name", RulePolicy.model_fields)
def test_field__of_a_rule_is_explained(name: str) -> None:
    assert f"`{name}`" in _section("The policy")


def test_page__names_its_files() -> None:
    assert f"`{HTML}` and `{JSON}`" in _section("The page")
