"""FeatureSpec: every number that decides what a model takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from silencio.features import FeatureSpec

# Every released bundle and every shard carries this name of the default definition. If it changes, none of them can be
# read by this version: that is a decision, not an accident.
DEFAULT_SHA256 = "1548bf3b238bc5a5aa9f87905bb368d1c18d67c4c39dc782ba2ed08e7902b1b9"
# As bundles and runs hold it that were made before there was a second rule for the last window.
WRITTEN_BEFORE = (
    '{"sample_rate_hz":32000,"window_s":5.0,"hop_s":5.0,"padding":"repeat","n_fft":2048,"hop_length":512,"n_mels":128,'
    '"f_min_hz":50.0,"f_max_hz":16000.0,"min_power":1e-10,"floor_db":-90.0,"offset_db":39.0,"scale_db":20.0}'
)

# Another value that is allowed, for every field.
OTHER: dict[str, Any] = {
    "sample_rate_hz": 48_000,
    "window_s": 6.0,
    "hop_s": 2.5,
    "padding": "zero",
    "last_window": "moved_back",
    "n_fft": 1024,
    "hop_length": 500,
    "n_mels": 64,
    "f_min_hz": 0.0,
    "f_max_hz": 15_999.0,
    "min_power": 1e-9,
    "floor_db": -80.0,
    "offset_db": 40.0,
    "scale_db": 10.0,
}


def test_sha256__of_the_default_is_the_one_that_was_released() -> None:
    assert FeatureSpec().sha256 == DEFAULT_SHA256


def test_sha256__a_spec_from_before_there_was_a_second_rule_keeps_its_windows_its_json_and_its_name() -> None:
    read = FeatureSpec.model_validate_json(WRITTEN_BEFORE)
    assert read.last_window == "padded"
    assert read.sha256 == DEFAULT_SHA256
    assert read.model_dump_json() == WRITTEN_BEFORE


def test_sha256__no_field_is_forgotten_here() -> None:
    assert set(OTHER) == set(FeatureSpec.model_fields)


@pytest.mark.parametrize("name", FeatureSpec.model_fields)
def test_sha256__changes_with_every_field(name: str) -> None:
    changed = FeatureSpec(**{name: OTHER[name]})
    assert changed != FeatureSpec()
    assert changed.sha256 != FeatureSpec().sha256


def test_sha256__no_two_changes_are_the_same() -> None:
    assert len({FeatureSpec(**{name: value}).sha256 for name, value in OTHER.items()}) == len(OTHER)


def test_sha256__a_change_of_the_last_digit_counts() -> None:
    assert FeatureSpec(offset_db=39.0 + 1e-13).sha256 != FeatureSpec().sha256


def test_sha256__equal_specs_have_equal_ones() -> None:
    assert FeatureSpec(**OTHER).sha256 == FeatureSpec(**dict(reversed(OTHER.items()))).sha256
    assert FeatureSpec(**FeatureSpec().model_dump()).sha256 == FeatureSpec().sha256


def test_sha256__a_whole_number_is_the_same_number() -> None:
    assert FeatureSpec(window_s=5, f_max_hz=16_000).sha256 == FeatureSpec().sha256


def test_sha256__minus_zero_is_zero() -> None:
    assert FeatureSpec(f_min_hz=-0.0) == FeatureSpec(f_min_hz=0.0)
    assert FeatureSpec(f_min_hz=-0.0).sha256 == FeatureSpec(f_min_hz=0.0).sha256


def test_sha256__survives_json() -> None:
    spec = FeatureSpec(**OTHER)
    assert FeatureSpec.model_validate_json(spec.model_dump_json()).sha256 == spec.sha256
    assert FeatureSpec.model_validate_json(json.dumps(json.loads(spec.model_dump_json()))).sha256 == spec.sha256


def test_shapes__of_the_default() -> None:
    spec = FeatureSpec()
    assert (spec.window_samples, spec.hop_samples, spec.n_frames) == (160_000, 160_000, 313)
    assert spec.log_mel_shape == (128, 313)


def test_shapes__follow_the_fields() -> None:
    spec = FeatureSpec(sample_rate_hz=16_000, window_s=3.0, hop_s=1.5, hop_length=160, n_mels=40, f_max_hz=8_000.0)
    assert (spec.window_samples, spec.hop_samples) == (48_000, 24_000)
    assert spec.log_mel_shape == (40, 301)


def test_shapes__a_length_between_two_samples_is_rounded() -> None:
    assert FeatureSpec(sample_rate_hz=22_050, window_s=0.29, hop_s=0.29, f_max_hz=11_025.0).window_samples == 6394


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"f_max_hz": 16_001.0}, "f_max_hz=16001 is above half the sample rate"),
        ({"sample_rate_hz": 16_000}, "f_max_hz=16000 is above half the sample rate"),
        ({"f_min_hz": 16_000.0}, "f_min_hz=16000 is not below f_max_hz=16000"),
        ({"hop_s": 5.1}, "hop_s=5.1 is above window_s=5"),
        ({"hop_length": 2049}, "hop_length=2049 is above n_fft=2048"),
        ({"window_s": 0.0}, "window_s"),
        ({"hop_s": 0.0}, "hop_s"),
        ({"min_power": 0.0}, "min_power"),
        ({"scale_db": 0.0}, "scale_db"),
        ({"scale_db": -20.0}, "scale_db"),
        ({"padding": "mirror"}, "padding"),
        ({"last_window": "repeated"}, "last_window"),
        ({"n_mels": 128.0}, "n_mels"),
        ({"window_s": "5"}, "window_s"),
        ({"n_mel": 128}, "n_mel"),
    ],
)
def test_spec__what_does_not_fit_together_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FeatureSpec(**values)


@pytest.mark.parametrize("name", ["floor_db", "offset_db", "scale_db", "f_min_hz", "min_power"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_spec__every_number_is_finite(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        FeatureSpec(**{name: value})


@pytest.mark.parametrize("values", [{"hop_s": 1e-5}, {"window_s": 1e-5, "hop_s": 1e-5}])
def test_spec__a_window_and_a_hop_hold_at_least_a_sample(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="_s"):
        FeatureSpec(**values)


def test_spec__is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FeatureSpec().n_mels = 64  # type: ignore[misc]  # what is tested
