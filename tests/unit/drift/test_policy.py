"""The policy: what ships is whole, and what is wrong is named."""

from __future__ import annotations

from importlib.resources import files

import pytest

from silencio.drift.policy import DriftPolicy, EffectThresholds
from silencio.drift.signals import ALL_SIGNALS
from silencio.errors import ConfigError

TEXT = (files("silencio.drift") / "policy.yaml").read_text(encoding="utf-8")


def test_from_yaml__of_what_ships_is_what_ships() -> None:
    assert DriftPolicy.from_yaml(TEXT) == DriftPolicy.shipped()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("level_db: 3.0", "level_db: -3.0", "effects.level_db"),
        ("level_db: 3.0", "level_dB: 3.0", "effects.level_d"),
        ("min_days: 7", "min_days: 20", "min_days 20 is above max_days 14"),
        ("min_days: 7", "min_days: 4", "reference.min_days"),
        ("low_bands: [1, 2]", "low_bands: [0]", "attribution.low_bands.0"),
        ("flatness: 0.1", "flatness: 0", "effects.flatness"),
        ("  days: 3\n", "  days: 5\n", "days 5 is above of 4"),
        ("min_windows: 8", "min_windows: 17", "min_windows 17 is above max_windows 16"),
        ("min_recordings: 20", "min_recordings: twenty", "min_recordings"),
        ("effects:", "effects: [", "no YAML"),
    ],
)
def test_from_yaml__names_what_is_wrong(old: str, new: str, named: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=named.replace("[", r"\[")):
        DriftPolicy.from_yaml(TEXT.replace(old, new))


def test_sha256__is_of_values_and_not_of_comments() -> None:
    shipped = DriftPolicy.shipped().sha256()
    assert DriftPolicy.from_yaml("# another comment\n" + TEXT).sha256() == shipped
    assert DriftPolicy.from_yaml(TEXT.replace("level_db: 3.0", "level_db: 3.5")).sha256() != shipped


def test_signals__stand_under_thresholds_that_the_policy_has() -> None:
    assert {signal.threshold for signal in ALL_SIGNALS} == set(EffectThresholds.model_fields)
