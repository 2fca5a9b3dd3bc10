"""What docs/accuracy.md says of the last window is what `make proofs windows` measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from silencio.config import preset_names, preset_text, resolve

_ROOT = Path(__file__).parents[2]
_RESULT = json.loads((_ROOT / "benchmarks" / "results" / "proofs" / "windows.json").read_text(encoding="utf-8"))
FOUND: dict[str, Any] = _RESULT["result"]
PAGE = (_ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
HEADS = list(FOUND["heads"])


def _share(value: float) -> str:
    """Like `.847` and `-.010`."""
    return f"{value:.3f}".replace("0.", ".", 1)


def _change(values: list[float], digits: int) -> str:
    signed = [f"{value:+.{digits}f}" for value in values]
    if digits == 3:
        signed = [one.replace("0.", ".", 1) for one in signed]
    return f"{signed[0]} [{signed[1]}, {signed[2]}]"


@pytest.mark.parametrize("head", HEADS)
def test_table__has_every_rule_of_every_head(head: str) -> None:
    for rule, row in FOUND["heads"][head]["rules"].items():
        alarms = f"{row['false_alarms_per_hour']:.0f} | {row['short_false_alarms_per_hour']:.1f}"
        line = f"| {head} | `{rule}` | {_share(row['top1'])} | {_share(row['macro_map'])} | {alarms} |"
        assert line in PAGE, f"docs/accuracy.md lacks: {line}"


@pytest.mark.parametrize("head", HEADS)
def test_table__has_what_the_default_changes(head: str) -> None:
    changes = FOUND["heads"][head]["changes"]["moved_back - padded"]
    metrics = [_change(changes[name], 3) for name in ("top1", "macro_map")]
    line = f"| {head} | {metrics[0]} | {metrics[1]} | {_change(changes['false_alarms_per_hour'], 0)} |"
    assert line in PAGE, f"docs/accuracy.md lacks: {line}"


def test_text__says_how_many_recordings_have_a_rest() -> None:
    rests = FOUND["rests"]
    said = f"Of {rests['n_recordings']} recordings {rests['n_with_rest']} are longer than a window and have a rest"
    assert said in " ".join(PAGE.split())
    assert f"{rests['n_rests_below_a_quarter']} of less than a quarter of a window" in " ".join(PAGE.split())


def test_default__moved_back_leaves_no_false_alarm_of_less_than_a_second() -> None:
    for head in HEADS:
        assert FOUND["heads"][head]["rules"]["moved_back"]["short_false_alarms_per_hour"] == 0.0


@pytest.mark.parametrize("preset", preset_names())
def test_presets__have_the_rule_that_the_page_names(preset: str) -> None:
    assert resolve(preset_text(preset)).features.last_window == "moved_back"


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("other", ["weighted", "left_out"])
@pytest.mark.parametrize("metric", ["top1", "macro_map"])
def test_text__between_the_three_rules_there_is_chance(head: str, other: str, metric: str) -> None:
    _, low, high = FOUND["heads"][head]["changes"][f"moved_back - {other}"][metric]
    assert low <= 0.0 <= high


@pytest.mark.parametrize("head", HEADS)
def test_text__every_other_rule_ranks_better_than_padded(head: str) -> None:
    rules = FOUND["heads"][head]["rules"]
    assert (
        min(rules[rule]["macro_map"] for rule in ("weighted", "left_out", "moved_back")) > rules["padded"]["macro_map"]
    )
    assert min(rules[rule]["top1"] for rule in ("weighted", "left_out", "moved_back")) > rules["padded"]["top1"]


@pytest.mark.parametrize("head", HEADS)
def test_text__weighted_still_names_species_in_rests(head: str) -> None:
    assert FOUND["heads"][head]["rules"]["weighted"]["short_false_alarms_per_hour"] > 0.0


def test_text__false_alarms_fall_by_more_than_chance_with_three_of_four_heads() -> None:
    changes = [FOUND["heads"][head]["changes"]["moved_back - padded"] for head in HEADS]
    assert [one["false_alarms_per_hour"][2] < 0.0 for one in changes].count(True) == 3
    assert len(changes) == 4
    gained = [one["n_gained"] - one["n_lost"] for one in changes]
    assert (min(gained), max(gained)) == (3, 5)
