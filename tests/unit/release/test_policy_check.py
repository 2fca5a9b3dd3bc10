from __future__ import annotations

import copy
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from silencio.errors import ConfigError
from silencio.release.policy import ReleasePolicy
from silencio.release.policy_check import checked_policy, policy_of_text, read_policy

SHIPPED = yaml.safe_load((files("silencio") / "presets" / "release" / "policy.yaml").read_text(encoding="utf-8"))


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    values = copy.deepcopy(SHIPPED)
    change(values)
    return values


def test_checked_policy__takes_the_one_that_ships() -> None:
    assert checked_policy(SHIPPED) == ReleasePolicy.shipped()


def test_checked_policy__lets_a_rule_be_taken_away_by_null() -> None:
    policy = checked_policy(changed(lambda values: values["rules"].update(species=None)))
    assert "species" not in policy.rules


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v["rules"].update(erors=v["rules"].pop("errors")), "'erors' is no rule: did you mean errors"),
        (lambda v: v["rules"].pop("slow"), r"rules lacks slow \(write `slow: null`"),
        (lambda v: v.pop("rules"), "rules must be a mapping"),
        (lambda v: v["rules"]["errors"].pop("alpha"), "rules.errors: needs alpha"),
        (lambda v: v["rules"]["errors"].pop("tolerance"), "rules.errors: needs tolerance"),
        (lambda v: v["rules"]["errors"].update(tolerance=0.5), "tolerance must be from 1 to 10 .found 0.5"),
        (lambda v: v["rules"]["errors"].update(tolerance=60.0), "tolerance must be from 1 to 10 .found 60"),
        (lambda v: v["rules"]["errors"].update(limit=1.5), "rules.errors: limit must be from 0 to 1"),
        (lambda v: v["rules"]["errors"].update(alpha=1.0), "alpha"),
        (lambda v: v["rules"]["errors"].update(alpha=0.008), "sum to .*above family_error 0.01"),
        (lambda v: v["rules"]["resources"].update(limit=0.9), "rules.resources: limit must be from 1"),
        (
            lambda v: v.update(family_error=0.02) or v["rules"]["resources"].update(alpha=0.0001),
            "alpha has no meaning here",
        ),
        (lambda v: v["rules"]["classes"].update(limit=0.1), "rules.classes: has no limit"),
        (lambda v: v["rules"]["slow"].update(decides="rolback"), "rules.slow.decides"),
        (lambda v: v["rules"]["slow"].update(alfa=0.1), "rules.slow.alfa"),
        (lambda v: v.update(steps=[0.0, 50.0, 25.0, 100.0]), "steps must rise from 0 to 100"),
        (lambda v: v.update(steps=[5.0, 100.0]), "steps must rise from 0 to 100"),
        (lambda v: v.update(min_requests=0), "min_requests"),
        (lambda v: v.update(min_requests="many"), "min_requests.*found 'many'"),
        (lambda v: v.update(min_s=float("nan")), "min_s"),
        (lambda v: v.pop("bake_s"), "bake_s: Field required"),
        (lambda v: v.update(max_s=60.0), "max_s must be at least min_s, 1800"),
        (lambda v: v.update(blind_return_s=10.0), "blind_return_s must be at least blind_freeze_s"),
        (lambda v: v.update(confirm_increase=[33.0]), "confirm_increase has 33, which is no step"),
        (lambda v: [rule.update(dry_run=True) for rule in v["rules"].values()], "no rule rolls back"),
    ],
)
def test_checked_policy__refuses_by_one_sentence(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        checked_policy(changed(change), origin="policy.yaml")
    assert str(caught.value).startswith("policy.yaml: ")
    assert "\n" not in str(caught.value)


def test_read_policy__reads_a_file_and_names_it_where_it_cannot(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(SHIPPED), encoding="utf-8")
    assert read_policy(file) == ReleasePolicy.shipped()
    file.write_text("rules: [", encoding="utf-8")
    for broken in (file, tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_policy(broken)
    file.write_text("- 1", encoding="utf-8")
    with pytest.raises(ConfigError, match="must be a mapping"):
        read_policy(file)


def test_policy_of_text__is_the_one_that_ships_where_nothing_is_given() -> None:
    own = changed(lambda values: values.update(must_pass_slices=["taxon class Amphibia"]))
    assert policy_of_text(yaml.safe_dump(own)).must_pass_slices == ["taxon class Amphibia"]
    for empty in ("", " \n"):
        assert policy_of_text(empty) == ReleasePolicy.shipped()
    with pytest.raises(ConfigError, match="the policy cannot be read"):
        policy_of_text("rules: [")
