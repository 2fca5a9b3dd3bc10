"""The policy: laid over what ships, and every name and value checked before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from silencio.config import RunConfig, resolve
from silencio.config.parts import part_of
from silencio.errors import ConfigError
from silencio.evaluation.gate_policy import layered_policy
from silencio.evaluation.gates import GatePolicy

CONFIG = "heads: {raw_cnn: {}, texture: {}}\n"
SHIPPED = GatePolicy.shipped()
WITH_STUDENT = "student={kind: texture}"


def _policy(*overrides: str, over: str = "", text: str = CONFIG) -> GatePolicy:
    return resolve(text, over=over, overrides=overrides).gates


def _complaint(*overrides: str, over: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(CONFIG, over=over, overrides=overrides)
    return str(caught.value)


# Laid over what ships


@pytest.mark.parametrize(
    ("how", "change"),
    [
        ({"overrides": ["gates.champion_margin=0.05"]}, {"champion_margin": 0.05}),
        ({"overrides": ["gates.minimum.top1=0.6"]}, {"minimum": {**SHIPPED.minimum, "top1": 0.6}}),
        ({"over": "gates: {minimum: {top5: 0.7}}"}, {"minimum": {**SHIPPED.minimum, "top5": 0.7}}),
        ({"text": CONFIG + "gates: {beats_margin: 0.1}"}, {"beats_margin": 0.1}),
        (
            {"overrides": ["gates.beats={texture: [top1]}"]},
            {"beats": {**SHIPPED.beats, "texture": ["top1"]}},
        ),
        ({"overrides": ["gates.soundscapes=none"]}, {"soundscapes": "none"}),
        ({"over": "gates: {}"}, {}),
        ({"overrides": ["gates={}"]}, {}),
        ({"overrides": ["gates=null"]}, {}),
    ],
)
def test_layers__one_setting_leaves_every_other_gate(how: dict[str, Any], change: dict[str, Any]) -> None:
    text = how.pop("text", CONFIG)
    assert resolve(text, **how).gates == SHIPPED.model_copy(update=change)


def test_layers__preset_file_and_single_values_lie_over_one_another() -> None:
    text = CONFIG + "gates: {minimum: {top1: 0.5, top5: 0.6}, slice_margin: 0.1}"
    found = _policy("gates.minimum.top1=0.7", over="gates: {minimum: {top1: 0.6}}", text=text)
    assert found.minimum == {**SHIPPED.minimum, "top1": 0.7, "top5": 0.6}
    assert found.slice_margin == 0.1


@pytest.mark.parametrize(
    ("override", "change"),
    [
        ("gates.minimum.top1=null", {"minimum": {k: v for k, v in SHIPPED.minimum.items() if k != "top1"}}),
        ("gates.minimum=null", {"minimum": {}}),
        ("gates.max_calibration_error=null", {"max_calibration_error": None}),
        ("gates.champion_margin=null", {"champion_margin": None}),
        ("gates.slice_margin=~", {"slice_margin": None}),
        ("gates.beats.majority class=null", {"beats": {}}),
        ("gates.beats={majority class: null}", {"beats": {}}),
        ("gates.beats.majority class=[top1]", {"beats": {"majority class": ["top1"]}}),
    ],
)
def test_null__takes_one_gate_away_and_no_other(override: str, change: dict[str, Any]) -> None:
    assert _policy(override) == SHIPPED.model_copy(update=change)
    # In a file over a preset that says something of gates, too.
    over = yaml.safe_dump(_nested(override))
    found = _policy(over=over, text=CONFIG + "gates: {beats_margin: 0.1}")
    assert found == SHIPPED.model_copy(update={**change, "beats_margin": 0.1})


def _nested(override: str) -> dict[str, Any]:
    name, _, text = override.partition("=")
    value = yaml.safe_load(text)
    for key in reversed(name.split(".")):
        value = {key: value}
    return dict(value)


def test_replace__a_whole_policy_asks_for_nothing_else() -> None:
    found = _policy(over="gates: {replace: true, minimum: {top1: 0.5}}")
    assert found == GatePolicy(minimum={"top1": 0.5})
    assert (found.champion_margin, found.max_calibration_error, found.beats) == (None, None, {})


def test_replace__holds_against_what_lies_below_and_not_above() -> None:
    text = CONFIG + "gates: {minimum: {top5: 0.9}}"
    found = _policy("gates.slice_margin=0.1", over="gates: {replace: true, minimum: {top1: 0.5}}", text=text)
    assert found == GatePolicy(minimum={"top1": 0.5}, slice_margin=0.1)
    assert _policy("gates.replace=true", "gates.minimum.top1=0.5") == GatePolicy(minimum={"top1": 0.5})
    assert _policy("gates.replace=false", "gates.slice_margin=0.1") == SHIPPED.model_copy(update={"slice_margin": 0.1})


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["gates.minimum.top1=null", "gates.champion_margin=null"],
        ["gates.beats=null"],
        ["gates={replace: true, minimum: {top1: 0.5}}"],
        ["gates.soundscapes=none", "gates.minimum.n_recordings=40"],
    ],
)
def test_written_out__it_is_a_whole_policy_that_resolves_to_itself(overrides: list[str]) -> None:
    config = resolve(CONFIG, overrides=overrides)
    assert yaml.safe_load(config.to_yaml())["gates"]["replace"] is True
    again = resolve(config.to_yaml())
    assert again == config
    assert again.to_yaml() == config.to_yaml()
    # Single values may be laid over it once more: a run with --config does.
    assert resolve(config.to_yaml(), overrides=overrides) == config
    # And so does a part of it that is handed on as JSON.
    part = {name: config.model_dump(mode="json")[name] for name in ("heads", "gates")}
    assert RunConfig.model_validate(part, strict=False).gates == config.gates


def test_layered__says_that_it_is_whole() -> None:
    assert layered_policy([]) == {"replace": True, **SHIPPED.model_dump(exclude_unset=True)}


# What is refused before anything runs


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("gates.minimum={top_1: 0.4}", "'top_1' is no metric of the test recordings: did you mean top1? There are"),
        ("gates.minimum.by_class=0.4", "'by_class' is no metric of the test recordings"),
        ("gates.soundscape_minimum.top1=0.4", "'top1' is no metric of soundscapes: there are"),
        (
            "gates.beats={majority clas: [macro_map]}",
            "'majority clas' is no reference or head of this run: did you mean",
        ),
        ("gates.beats={majority clas: [macro_map]}", "did you mean majority class?"),
        ("gates.beats.raw_cn=[top1]", "did you mean raw_cnn?"),
        ("gates.not_worse_than.effnet_lora=[top1]", "'effnet_lora' is no reference or head of this run: there are"),
        ("gates.beats.majority class=[top5]", "'top5' is no metric that is compared: did you mean top1?"),
        ("gates.beats.majority class=[1]", "1 is no metric that is compared"),
        ("gates.beats.majority class=top1", "must be a list of metrics such as [macro_map, top1] (found 'top1')"),
        ("gates.minimun={}", "'minimun' is no gate: did you mean minimum? There are"),
        ("gates.slices.night=0.1", "'slices' is no gate: did you mean slice_margin?"),
        ("gates.champion_margn=0.1", "did you mean champion_margin?"),
        ("gates.minimum.top1=2", "top1: must be a number from 0 to 1 (found 2)"),
        ("gates.minimum.top1=-0.1", "must be a number from 0 to 1 (found -0.1)"),
        ("gates.minimum.top1=.nan", "must be a number from 0 to 1 (found nan)"),
        ("gates.minimum.top1=.inf", "must be a number from 0 to 1 (found inf)"),
        ("gates.minimum.top1=half", "must be a number from 0 to 1 (found 'half')"),
        ("gates.minimum.top1='0.4'", "must be a number from 0 to 1 (found '0.4')"),
        ("gates.minimum.top1=yes", "must be a number from 0 to 1 (found True)"),
        ("gates.minimum.top1=[0.4]", "must be a number from 0 to 1 (found [0.4])"),
        ("gates.minimum.n_recordings=-1", "must be a number of at least 0 (found -1)"),
        ("gates.soundscape_minimum.macro_roc_auc=1.5", "must be a number from 0 to 1 (found 1.5)"),
        ("gates.champion_margin=-0.02", "must be a number from 0 to 1 (found -0.02)"),
        ("gates.slice_margin=1.5", "must be a number from 0 to 1 (found 1.5)"),
        ("gates.not_worse_margin=5", "must be a number from 0 to 1 (found 5)"),
        ("gates.beats_margin=-0.1", "must be a number from 0 to 1 (found -0.1)"),
        ("gates.beats_margin=1", "must be below 1: nothing lies above (found 1)"),
        ("gates.max_calibration_error=20", "must be a number from 0 to 1 (found 20)"),
        ("gates.max_calibration_error=.nan", "must be a number from 0 to 1 (found nan)"),
        ("gates.soundscapes=optional", "Input should be 'required' or 'none' (found 'optional')"),
        ("gates.minimum=0.4", "Input should be a valid dictionary (found 0.4)"),
        ("gates.replace=maybe", "gates.replace: must be true or false (found 'maybe')"),
        ("gates=strict", "must be a mapping of gates, or null for those that ship (found 'strict')"),
        ("gates=[minimum]", "must be a mapping of gates"),
        ("gates={replace: true}", "a model of which no gate decides is never registered"),
    ],
)
def test_slip__is_one_sentence_with_what_was_meant(override: str, sentence: str) -> None:
    message = _complaint(override)
    assert message.startswith("gates")
    assert sentence in message
    assert "\n" not in message and "pydantic" not in message
    # From a file it is the same.
    assert _complaint(over=yaml.safe_dump(_nested(override))) == message


def test_range__its_ends_are_allowed() -> None:
    found = _policy("gates.minimum={top1: 1, macro_map: 0}", "gates.not_worse_margin=1", "gates.slice_margin=0")
    assert (found.minimum["top1"], found.minimum["macro_map"], found.not_worse_margin) == (1.0, 0.0, 1.0)
    assert _policy("gates.minimum.n_recordings=400").minimum["n_recordings"] == 400


def test_references__heads_of_the_run_and_the_champion_are_some() -> None:
    found = _policy("gates.beats={raw_cnn: [top1], champion: [macro_map]}")
    assert set(found.beats) == {"majority class", "raw_cnn", "champion"}


def test_references__the_step_that_judges_knows_no_heads_and_need_not() -> None:
    config = resolve(CONFIG, overrides=["gates.beats={raw_cnn: [top1]}", "gates.champion_margin=null"])
    assert RunConfig.of_part(part_of(config, "apply_gates")).gates == config.gates


def test_references__a_students_bundle_is_not_compared_with_heads() -> None:
    # The same gates decide on both bundles: hours later the student's would be refused.
    message = _complaint(WITH_STUDENT, "gates.beats={raw_cnn: [top1]}")
    assert "'raw_cnn' is a head of the ensemble" in message
    assert "majority class" in message
    assert resolve(CONFIG, overrides=[WITH_STUDENT]).gates == SHIPPED


def test_default_policy__names_every_kind_of_gate() -> None:
    # What a verdict calls taken away is known by what ships.
    assert all(getattr(SHIPPED, name) not in (None, {}) for name in GatePolicy.model_fields)
