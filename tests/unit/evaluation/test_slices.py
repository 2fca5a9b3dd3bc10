"""Slices: which recordings are in them, and what becomes of few."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from silencio.evaluation.bootstrap import Bootstrap
from silencio.evaluation.slices import (
    SliceConfig,
    SliceMetrics,
    confusable_pairs,
    evaluate_slices,
    slice_masks,
    species_table,
)
from silencio.taxonomy import ClassList, Species

TAXA = {"0126247": "Amphibia", "1139490": "Insecta", "bobfly1": "Aves", "grekis": "Aves"}
CLASSES = ClassList.of(
    Species(code=code, scientific_name=code, common_name=f"the {code}", class_name=taxon)
    for code, taxon in TAXA.items()
)


def _recordings(labels: list[str], **columns: Any) -> pd.DataFrame:
    known: dict[str, Any] = {"primary_label": labels, "secondary_labels": [[]] * len(labels), "snr_db": 30.0}
    return pd.DataFrame({**known, **columns})


def _masks(table: pd.DataFrame, training: pd.DataFrame | None = None, pairs: Any = (), **config: Any) -> dict[str, Any]:
    used = _recordings(["grekis"] * 9) if training is None else training
    masks = slice_masks(table, used, pairs, CLASSES, SliceConfig(**config))
    return {name: list(np.flatnonzero(mask)) for name, mask in masks.items()}


# Which recordings


def test_taxon_class__one_slice_each_of_those_that_occur() -> None:
    found = _masks(_recordings(["grekis", "0126247", "bobfly1"]))
    assert (found["taxon class Aves"], found["taxon class Amphibia"]) == ([0, 2], [1])
    assert "taxon class Insecta" not in found


def test_rare__is_counted_in_training() -> None:
    training = _recordings(["grekis"] * 4 + ["bobfly1"] * 3)
    table = _recordings(["grekis", "bobfly1", "1139490", "1139490", "1139490", "1139490"])
    # Four of a species in the test set do not make it frequent; none in training is rarest of all.
    assert _masks(table, training)["rare species"] == [1, 2, 3, 4, 5]
    assert _masks(table, training, rare_recordings=4)["rare species"] == [0, 1, 2, 3, 4, 5]


def test_low_snr__is_below_the_bound() -> None:
    assert _masks(_recordings(["grekis"] * 3, snr_db=[11.9, 12.0, 12.1]))["low signal-to-noise ratio"] == [0]


def test_several_species__have_a_secondary_label() -> None:
    table = _recordings(["grekis"] * 3, secondary_labels=[[], ["bobfly1"], np.array(["0126247", "bobfly1"])])
    assert _masks(table)["several species"] == [1, 2]


def test_confusable__holds_both_species_of_a_pair() -> None:
    table = _recordings(["grekis", "bobfly1", "0126247"])
    assert _masks(table, pairs=[("0126247", "grekis")])["confusable pairs"] == [0, 2]
    assert "confusable pairs" not in _masks(table)


def test_night__goes_over_midnight_in_local_time() -> None:
    times = ["2024-05-01T17:59:59", "2024-05-01T18:00:00", "2024-05-02T05:59:00", "2024-05-02 06:00", "2024-05-02"]
    times += ["", "yesterday", None, "2024-05-01T23:30:00-05:00", "2024-05-02T00:00:00"]
    table = _recordings(["grekis"] * len(times), recorded_at=times)
    # A date without a time of day is not midnight.
    assert _masks(table)["night"] == [1, 2, 8, 9]
    assert _masks(table, night_from_h=0, night_to_h=6)["night"] == [2, 9]


def test_night__of_a_recorder_on_utc_is_that_of_its_place() -> None:
    times = ["2024-05-01T22:40:00Z", "2024-05-01T23:30:00Z", "2024-05-02T03:00:00Z", "2024-05-02T12:00:00Z"]
    # In Colombia 17:40, 18:30, 22:00 and 7:00.
    here = _recordings(["grekis"] * 4, recorded_at=times, latitude=4.71, longitude=-74.07)
    assert _masks(here)["night"] == [1, 2]
    # 22:40 UTC is the afternoon there, and night only to who takes UTC for local.
    assert _masks(here, night_from_h=22, night_to_h=23)["night"] == [2]


def test_night__of_a_declared_zone_needs_no_coordinates() -> None:
    times = ["2024-05-01T22:40:00Z", "2024-05-01T23:30:00Z", "2024-05-01T23:30:00"]
    nowhere = _recordings(["grekis"] * 3, recorded_at=times, longitude=float("nan"))
    assert _masks(nowhere)["night"] == [2]
    assert _masks(nowhere, time_zone="America/Bogota")["night"] == [1, 2]
    assert _masks(nowhere.drop(columns="longitude"), time_zone="America/Bogota")["night"] == [1, 2]


@pytest.mark.parametrize("times", [None, ["2024-05-01", ""], ["2024-05-01T12:00:00", ""]])
def test_night__is_left_out_where_nothing_is_known_of_it(times: list[str] | None) -> None:
    columns = {} if times is None else {"recorded_at": times}
    assert "night" not in _masks(_recordings(["grekis", "bobfly1"], **columns))


@pytest.mark.parametrize(("column", "name"), [("author", "new recordist"), ("site", "new site")])
def test_new__is_whom_training_has_not_heard_with_the_species(column: str, name: str) -> None:
    training = _recordings(["grekis", "grekis", "bobfly1"], **{column: ["Ana", "Ben", "Cho"]})
    table = _recordings(
        ["grekis", "grekis", "grekis", "grekis", "bobfly1"], **{column: ["Cho", "Ana", "", None, "Ana"]}
    )
    # Cho was in training, but with another species. Who is unknown is not new; two recordists of a species are too few.
    assert _masks(table, training)[name] == [0]
    assert _masks(table, training, min_recordists=2)[name] == [0, 4]


def test_new__is_left_out_where_nobody_is_known() -> None:
    table, unknown = _recordings(["grekis"]), _recordings(["grekis"], author=[None], site=[""])
    assert not {"new recordist", "new site"} & set(_masks(table, unknown))
    assert not {"new recordist", "new site"} & set(_masks(unknown, unknown))


@pytest.mark.parametrize(
    "values",
    [
        {"night_from_h": 24},
        {"counts_from": 0},
        {"min_recordists": 1},
        {"rare": 3},
        {"time_zone": "Bogota"},
        {"time_zone": "../x"},
    ],
)
def test_config__what_cuts_no_slice_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SliceConfig(**values)


# What is said of them

N = 40
TRUTH = np.arange(N) % 4
TARGET = np.eye(4)[TRUTH]
DRAWS = Bootstrap(N, 400)
ALL, FEW = np.ones(N, bool), np.arange(N) < 9


def _scores(hits: np.ndarray) -> np.ndarray:
    """Right where `hits` says so, and otherwise the next species."""
    return 0.5 * np.eye(4)[np.where(hits, TRUTH, (TRUTH + 1) % 4)] + 0.01 * np.random.default_rng(0).random((N, 4))


HITS = np.arange(N) % 5 != 0


def _evaluated(masks: dict[str, np.ndarray], champion_hit: Any = None, **config: Any) -> list[SliceMetrics]:
    return evaluate_slices(masks, _scores(HITS), TARGET, TRUTH, DRAWS, SliceConfig(**config), champion_hit)


def test_figures__are_of_the_slice_alone() -> None:
    whole, few = _evaluated({"all": ALL, "few": FEW})
    assert (whole.name, whole.n_recordings, whole.n_species, whole.top1) == ("all", 40, 4, 0.8)
    assert (few.n_recordings, few.n_species) == (9, 4)
    assert few.top1 == pytest.approx(7 / 9)
    assert whole.macro_map != few.macro_map
    assert (whole.change, whole.change_interval) == (None, None)


def test_figures__few_recordings_are_shown_and_do_not_count() -> None:
    ten = np.arange(N) < 10
    assert [one.counted for one in _evaluated({"nine": FEW, "ten": ten})] == [False, True]
    assert [one.counted for one in _evaluated({"nine": FEW, "ten": ten}, counts_from=9)] == [True, True]


def test_intervals__hold_the_figure_and_are_wider_for_fewer() -> None:
    whole, few = _evaluated({"all": ALL, "few": FEW})
    for one in (whole, few):
        assert one.top1_interval[0] < one.top1 < one.top1_interval[1]
        assert one.macro_map_interval[0] <= one.macro_map <= one.macro_map_interval[1]
    assert few.top1_interval[1] - few.top1_interval[0] > 1.5 * (whole.top1_interval[1] - whole.top1_interval[0])


def test_intervals__are_of_the_same_draws_as_the_whole() -> None:
    (whole,) = _evaluated({"all": ALL})
    values = DRAWS.mean(HITS)
    assert whole.top1_interval == (np.quantile(values, 0.025), np.quantile(values, 0.975))


def test_change__is_paired_with_the_champion() -> None:
    champion = HITS.astype(float)
    champion[[0, 1]] = [1.0, 0.0]  # right where we are wrong, wrong where we are right
    whole, few = _evaluated({"all": ALL, "few": FEW}, champion)
    assert (whole.change, few.change) == (0.0, 0.0)
    assert whole.change_interval == pytest.approx((-0.075, 0.075), abs=0.03)
    # Two models that agree but for two recordings: far surer than either figure by itself.
    assert whole.change_interval[1] - whole.change_interval[0] < whole.top1_interval[1] - whole.top1_interval[0]


def test_change__is_over_recordings_that_the_champion_can_be_asked() -> None:
    champion = np.where(np.arange(N) < 20, 0.0, np.nan)
    (whole,) = _evaluated({"all": ALL}, champion)
    assert whole.change == HITS[:20].mean()
    assert whole.top1 == HITS.mean()
    (late,) = _evaluated({"late": np.arange(N) >= 20}, champion)
    assert (late.change, late.change_interval) == (None, None)


def test_change__over_one_recording_does_not_count() -> None:
    champion = np.full(N, np.nan)
    champion[0] = 1.0
    (whole,) = _evaluated({"all": ALL}, champion)
    assert whole.change == -1.0
    assert not whole.counted


def test_slice_figures__survive_json() -> None:
    champion = np.where(np.arange(N) < 20, 0.0, np.nan)
    for one in _evaluated({"all": ALL, "late": np.arange(N) >= 20}, champion):
        assert SliceMetrics.of(json.loads(json.dumps(asdict(one)))) == one


# Species


def _named(codes: list[str]) -> np.ndarray:
    return np.eye(4)[[CLASSES.index[code] for code in codes]]


def test_confusable_pairs__count_either_way_and_take_the_most_frequent() -> None:
    primary = ["grekis", "bobfly1", "grekis", "0126247", "1139490", "1139490"]
    named = ["bobfly1", "grekis", "grekis", "1139490", "0126247", "grekis"]
    pairs = [("bobfly1", "grekis"), ("0126247", "1139490"), ("1139490", "grekis")]
    found = confusable_pairs(_named(named), primary, CLASSES, 10)
    # Two each way, in the order of their names; then the one.
    assert found == [pairs[1], pairs[0], pairs[2]]
    assert confusable_pairs(_named(named), primary, CLASSES, 2) == found[:2]
    assert confusable_pairs(_named(primary), primary, CLASSES, 10) == []


def test_species_table__begins_with_the_worst() -> None:
    primary = ["grekis", "grekis", "bobfly1", "bobfly1", "bobfly1"]
    named = ["grekis", "grekis", "grekis", "0126247", "0126247"]
    truth = np.array([CLASSES.index[code] for code in primary])
    table = species_table(_named(named), np.eye(4)[truth], truth, CLASSES)
    assert list(table["species"]) == ["bobfly1", "grekis"]
    worst, best = table.to_dict("records")
    assert worst["average precision"] == pytest.approx(3 / 5)
    assert (worst["top-1"], worst["recordings"], worst["taken for"]) == (0.0, 3, "0126247")
    assert (worst["common name"], worst["taxon class"]) == ("the bobfly1", "Aves")
    assert best["average precision"] == pytest.approx(2 / 3)
    assert (best["top-1"], best["taken for"]) == (1.0, "")
