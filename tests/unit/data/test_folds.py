"""Folds of cross_fit: dealt by species and group, and kept when data grow."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silencio.data.folds import deal_groups, fold_name, fold_number
from silencio.data.split import NO_FOLD, SplitConfig, check_disjoint, draw_split, read_split_history
from silencio.errors import SplitError

CONFIG = SplitConfig(scheme="cross_fit", n_folds=4)


def recordings(**counts: int) -> pd.DataFrame:
    names = [(code, f"{code}/XC{number}.ogg") for code, n in counts.items() for number in range(n)]
    return pd.DataFrame(
        {
            "recording_id": [name for _, name in names],
            "primary_label": [code for code, _ in names],
            "sha256": [f"bytes of {name}" for _, name in names],
        }
    )


def folds(table: pd.DataFrame, **options: object) -> dict[str, int]:
    made = draw_split(table, CONFIG, **options).assignment  # type: ignore[arg-type]
    return dict(zip(made["recording_id"], made["fold"], strict=True))


def test_folds__hold_every_recording_once_and_none_is_kept_back() -> None:
    drawn = draw_split(recordings(a=9, b=4, c=1), CONFIG)
    assert set(drawn.assignment["split"]) == {"train"}
    assert len(drawn.assignment) == 14
    by_fold = drawn.assignment.groupby("fold")["primary_label"].agg(Counter)
    assert sorted(by_fold.index) == [0, 1, 2, 3]
    # Each fold has its share of every species, and none is much larger than another.
    assert sorted(one["a"] for one in by_fold) == [2, 2, 2, 3]
    assert [one["b"] for one in by_fold] == [1, 1, 1, 1]
    assert max(map(Counter.total, by_fold)) - min(map(Counter.total, by_fold)) <= 1
    assert list(drawn.too_small) == ["c"]


labels = st.dictionaries(st.integers(0, 60).map(str), st.sampled_from("abc"), min_size=4, max_size=40)


@given(label_of=labels, seed=st.integers(0, 9), later=labels)
def test_folds__are_the_same_in_any_order_and_survive_growth(
    label_of: dict[str, str], seed: int, later: dict[str, str]
) -> None:
    first = deal_groups(label_of, 4, seed)
    assert first == deal_groups(dict(reversed(label_of.items())), 4, seed)
    grown = later | label_of
    again = deal_groups(grown, 4, seed, first)
    assert set(again) == set(grown)
    assert {name: again[name] for name in label_of} == first
    for label in set(label_of.values()):
        counts = Counter(fold for name, fold in first.items() if label_of[name] == label)
        assert max(counts.values()) - min(counts.get(fold, 0) for fold in range(4)) <= 1


def test_folds__of_another_number_are_dealt_anew() -> None:
    label_of = {str(number): "a" for number in range(12)}
    three = deal_groups(label_of, 3, 0)
    assert deal_groups(label_of, 4, 0, three) == deal_groups(label_of, 4, 0)


def test_folds__keep_recordings_of_one_source_together() -> None:
    table = recordings(a=8, b=3)
    table.loc[table["recording_id"].isin(["a/XC0.ogg", "b/XC1.ogg", "a/XC5.ogg"]), "sha256"] = "one sound"
    drawn = draw_split(table, CONFIG).assignment
    assert drawn.loc[drawn["group_id"] == "a/XC0.ogg", "fold"].nunique() == 1
    check_disjoint(drawn)
    torn = drawn.assign(fold=range(len(drawn)))
    with pytest.raises(SplitError, match="'a/XC0.ogg' is in more than one fold"):
        check_disjoint(torn)


def test_history__keeps_folds_of_recordings_by_name_and_by_bytes(tmp_path: Path) -> None:
    first = draw_split(recordings(a=6, b=4), CONFIG)
    first.split_history.to_parquet(tmp_path / "split.parquet")
    history = read_split_history(tmp_path)
    assert set(history["split"]) == {"fold-0", "fold-1", "fold-2", "fold-3"}
    grown = recordings(a=9, b=4, c=5)
    grown.loc[0, "recording_id"] = "a/renamed.ogg"
    later = draw_split(grown, CONFIG, history)
    now = dict(zip(later.assignment["recording_id"], later.assignment["fold"], strict=True))
    before = folds(recordings(a=6, b=4))
    assert now["a/renamed.ogg"] == before["a/XC0.ogg"]
    assert {name: now[name] for name in before if name in now} == {name: before[name] for name in before if name in now}
    assert later.n_kept == 10
    assert set(later.split_history["recording_id"]) == {*grown["recording_id"], *before}


def test_history__of_the_other_scheme_keeps_nothing_back_from_the_test() -> None:
    """Whatever was in a fold was trained on: a later holdout tests none of it. Held-out recordings have no fold."""
    table = recordings(a=6, b=6)
    dealt = draw_split(table, CONFIG).split_history
    later = draw_split(recordings(a=12, b=12), SplitConfig(), dealt).assignment
    assert set(later.loc[later["recording_id"].isin(table["recording_id"]), "split"]) == {"train"}
    held_out = draw_split(table, SplitConfig()).split_history
    assert folds(table, previous=held_out) == folds(table)


def test_folds__more_than_sources_are_refused() -> None:
    with pytest.raises(SplitError, match=r"split\.n_folds=4: there are only 3 source recordings"):
        draw_split(recordings(a=3), CONFIG)


def test_release_replay__never_trains_and_leaves_each_species_two(tmp_path: Path) -> None:
    table = recordings(a=20, b=5, c=2)
    assert set(draw_split(table, CONFIG).assignment["split"]) == {"train"}
    config = CONFIG.model_copy(update={"release_replay": 0.2})
    drawn = draw_split(table, config)
    aside = drawn.assignment[drawn.assignment["split"] == "test"]
    assert aside["primary_label"].value_counts().to_dict() == {"a": 4, "b": 1}
    assert set(aside["fold"]) == {NO_FOLD}
    assert set(drawn.assignment.loc[drawn.assignment["split"] == "train", "fold"]) == {0, 1, 2, 3}
    # Grown: what was aside stays there, and nothing that was trained on joins it.
    later = draw_split(recordings(a=40, b=5, c=2), config, drawn.split_history).assignment
    now = later[later["split"] == "test"]
    assert set(aside["recording_id"]) <= set(now["recording_id"])
    trained = set(table["recording_id"]) - set(aside["recording_id"])
    assert not trained & set(now["recording_id"])
    assert now["primary_label"].value_counts()["a"] == 8


def test_release_replay__by_name_takes_the_whole_source() -> None:
    table = recordings(a=8, b=4)
    table.loc[table["recording_id"] == "b/XC1.ogg", "sha256"] = table.loc[0, "sha256"]
    config = CONFIG.model_copy(update={"release_replay": ("a/XC0.ogg",)})
    drawn = draw_split(table, config).assignment
    assert sorted(drawn.loc[drawn["split"] == "test", "recording_id"]) == ["a/XC0.ogg", "b/XC1.ogg"]
    with pytest.raises(SplitError, match="names 'gone.ogg', which is no usable recording"):
        draw_split(table, CONFIG.model_copy(update={"release_replay": ("gone.ogg",)}))


def test_release_replay__is_a_tenth_from_a_thousand_recordings_on() -> None:
    for n, n_aside in ((999, 0), (1000, 100)):
        drawn = draw_split(recordings(a=n), CONFIG).assignment
        assert (drawn["split"] == "test").sum() == n_aside


@pytest.mark.parametrize(("name", "number"), [("fold-0", 0), ("fold-12", 12), ("train", None), ("fold-", None)])
def test_fold_number__is_the_inverse_of_its_name(name: str, number: int | None) -> None:
    assert fold_number(name) == number
    assert number is None or fold_name(number) == name
