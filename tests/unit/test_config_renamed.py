"""Settings that had another name: the old one is refused by a sentence with the new one, and the new one works."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path

import pytest

from silencio.config import resolve
from silencio.config.renamed import RENAMED_SETTINGS
from silencio.errors import ConfigError

BASE = """
heads: {raw_cnn: {}, resnet: {}}
supervisor: {kind: meta_mlp}
self_training: {}
"""


def _renamed(old: str) -> str:
    return ".".join([*old.split(".")[:-1], RENAMED_SETTINGS[old]])


@pytest.mark.parametrize("old", RENAMED_SETTINGS)
def test_renamed__the_old_name_is_refused_and_the_new_one_named(old: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(BASE, overrides=[f"{old}=1"])
    assert str(caught.value) == f"{old} is called {_renamed(old)} now"


@pytest.mark.parametrize("old", RENAMED_SETTINGS)
def test_renamed__the_new_name_is_a_setting(old: str) -> None:
    new = _renamed(old)
    value = reduce(lambda section, name: section[name], new.split("."), resolve(BASE).model_dump(mode="json"))
    assert resolve(BASE, overrides=[f"{new}={json.dumps(value)}"]) == resolve(BASE)


@pytest.mark.parametrize("old", RENAMED_SETTINGS)
def test_renamed__stands_in_the_changelog(old: str) -> None:
    changes = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"- setting `{old}` -> `{_renamed(old)}`\n" in changes


@pytest.mark.parametrize("layer", ["text", "over", "overrides"])
def test_renamed__is_refused_in_every_layer(layer: str) -> None:
    old = "{thresholds: {least_positives: 3}}"
    layers = {
        "text": {"text": BASE + "thresholds: {least_positives: 3}"},
        "over": {"text": BASE, "over": old},
        "overrides": {"text": BASE, "overrides": ["thresholds.least_positives=3"]},
    }
    with pytest.raises(ConfigError, match="thresholds.least_positives is called thresholds.min_positives now"):
        resolve(**layers[layer])


def test_renamed__a_null_does_not_hide_an_old_name() -> None:
    # A null takes a setting away: a gate that somebody means to be without would go on to decide.
    with pytest.raises(ConfigError, match="gates.most_calibration_error is called gates.max_calibration_error now"):
        resolve(BASE, overrides=["gates.most_calibration_error=null"])


def test_renamed__all_old_names_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(BASE + "thresholds: {least: 0.1, most: 0.9}")
    assert str(caught.value) == (
        "thresholds.least is called thresholds.min_threshold now; "
        "thresholds.most is called thresholds.max_threshold now"
    )
