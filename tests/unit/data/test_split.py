"""The split: whole recordings, every species, the same on any machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from silencio.data.split import SPLITS, Split, SplitConfig, check_disjoint, draw_split
from silencio.errors import DataError, SplitError


def _table(counts: dict[str, int]) -> pd.DataFrame:
    """So many recordings of each species, each with bytes of its own."""
    names = [(code, f"{code}/XC{number}.ogg") for code, n in counts.items() for number in range(n)]
    return pd.DataFrame(
        {
            "recording_id": [name for _, name in names],
            "primary_label": [code for code, _ in names],
            "sha256": [f"bytes of {name}" for _, name in names],
        }
    )


def _parts(split: Split) -> dict[str, str]:
    return dict(zip(split.assignment["recording_id"], split.assignment["split"], strict=True))


def _parts_of_species(split: Split) -> dict[str, Counter[str]]:
    return {str(code): Counter(rows["split"]) for code, rows in split.assignment.groupby("primary_label")}


# Recordings of up to six species, of which some have the same bytes as another, in any order.
collections = st.lists(
    st.tuples(st.sampled_from(["grekis", "1139490", "0126247", "a", "b", "c"]), st.integers(0, 25)),
    min_size=3,
    max_size=50,
).map(
    lambda rows: pd.DataFrame(
        {
            "recording_id": [f"{code}/XC{number}.ogg" for number, (code, _) in enumerate(rows)],
            "primary_label": [code for code, _ in rows],
            "sha256": [f"{content:02d}" for _, content in rows],
        }
    )
)
configs = st.builds(
    SplitConfig,
    seed=st.integers(0, 2**31),
    validation_share=st.floats(0.05, 0.3),
    test_share=st.floats(0.05, 0.3),
)


def _drawn(table: pd.DataFrame, config: SplitConfig) -> Split | None:
    """The split, or nothing where the table holds too little for one."""
    try:
        return draw_split(table, config)
    except SplitError:
        return None


# What always holds


@given(collections, configs)
def test_split__every_recording_is_in_one_part(table: pd.DataFrame, config: SplitConfig) -> None:
    if split := _drawn(table, config):
        assert list(split.assignment["recording_id"]) == sorted(table["recording_id"])
        assert set(split.assignment["split"]) == set(SPLITS)
        assert list(split.assignment.columns) == ["recording_id", "group_id", "primary_label", "split"]


@given(collections, configs)
def test_split__no_group_is_in_two_parts(table: pd.DataFrame, config: SplitConfig) -> None:
    if split := _drawn(table, config):
        check_disjoint(split.assignment)
        with_bytes = split.assignment.merge(table[["recording_id", "sha256"]], on="recording_id")
        assert (with_bytes.groupby("sha256")["split"].nunique() == 1).all()
        assert (with_bytes.groupby("sha256")["group_id"].nunique() == 1).all()
        assert with_bytes["group_id"].nunique() == with_bytes["sha256"].nunique()


@given(collections, configs, st.randoms(use_true_random=False))
def test_split__the_order_of_rows_means_nothing(table: pd.DataFrame, config: SplitConfig, random: Any) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    split, shuffled = _drawn(table, config), _drawn(table.iloc[order], config)
    assert (split is None) == (shuffled is None)
    if split is not None and shuffled is not None:
        pd.testing.assert_frame_equal(split.assignment, shuffled.assignment)
        assert split.too_small == shuffled.too_small


species_counts = st.dictionaries(st.text("abcdef0123", min_size=1, max_size=4), st.integers(1, 30), max_size=8)


@given(species_counts, configs)
def test_split__three_groups_are_enough_for_all_parts(counts: dict[str, int], config: SplitConfig) -> None:
    split = draw_split(_table({**counts, "enough": 3}), config)
    for code, parts in _parts_of_species(split).items():
        n = sum(parts.values())
        expected = {1: {"train"}, 2: {"train", "test"}}.get(n, set(SPLITS))
        assert set(parts) == expected
        if n < 3:
            assert split.too_small[code] == [part for part in SPLITS if part in expected]
    assert set(split.too_small) == {code for code, n in {**counts, "enough": 3}.items() if n < 3}


@given(st.integers(10, 200), configs)
def test_split__parts_have_about_their_shares(n: int, config: SplitConfig) -> None:
    parts = _parts_of_species(draw_split(_table({"grekis": n}), config))["grekis"]
    assert abs(parts["validation"] - n * config.validation_share) <= 0.5 + 1e-9 or parts["validation"] == 1
    assert abs(parts["test"] - n * config.test_share) <= 0.5 + 1e-9 or parts["test"] == 1


@given(configs, st.integers(3, 20), st.integers(1, 20))
def test_split__another_species_changes_nothing_for_this_one(config: SplitConfig, n: int, others: int) -> None:
    alone = _parts(draw_split(_table({"grekis": n}), config))
    among_others = _parts(draw_split(_table({"1139490": others, "grekis": n}), config))
    assert {name: among_others[name] for name in alone} == alone


@pytest.mark.parametrize("n", [3, 4, 5, 10])
@pytest.mark.parametrize(
    ("validation_share", "test_share"), [(0.5, 0.4), (0.7, 0.2), (0.8, 0.1), (0.9, 0.05), (0.1, 0.8), (0.05, 0.9)]
)
def test_split__three_groups_are_enough_whatever_the_shares(n: int, validation_share: float, test_share: float) -> None:
    config = SplitConfig(validation_share=validation_share, test_share=test_share)
    split = draw_split(_table({"grekis": n, "many": 100}), config)
    assert set(_parts_of_species(split)["grekis"]) == set(SPLITS)


# Seeds


def test_split__the_same_seed_gives_the_same_split() -> None:
    table = _table({"grekis": 9, "1139490": 4, "0126247": 2})
    first, second = (draw_split(table, SplitConfig(seed=3)) for _ in range(2))
    pd.testing.assert_frame_equal(first.assignment, second.assignment)


def test_split__another_seed_gives_another() -> None:
    table = _table({"grekis": 20})
    drawn = {tuple(draw_split(table, SplitConfig(seed=seed)).assignment["split"]) for seed in range(10)}
    assert len(drawn) == 10


def test_split__every_recording_is_tested_on_under_some_seed() -> None:
    table = _table({"grekis": 6})
    splits = [_parts(draw_split(table, SplitConfig(seed=seed))) for seed in range(60)]
    assert {name for parts in splits for name, part in parts.items() if part == "test"} == set(table["recording_id"])


# Another machine, Python or pandas that draws otherwise would train on the test recordings of a model from here.
PINNED = {
    "0126247/XC0.ogg": "train",
    "0126247/XC1.ogg": "test",
    "0126247/XC2.ogg": "validation",
    "1139490/XC0.ogg": "train",
    "1139490/XC1.ogg": "validation",
    "1139490/XC2.ogg": "train",
    "1139490/XC3.ogg": "test",
    "41970/XC0.ogg": "train",
    "41970/XC1.ogg": "test",
    "bobfly1/XC0.ogg": "train",
    "grekis/XC0.ogg": "validation",
    "grekis/XC1.ogg": "train",
    "grekis/XC2.ogg": "test",
    "grekis/XC3.ogg": "train",
    "grekis/XC4.ogg": "train",
    "grekis/XC5.ogg": "train",
}


def test_split__is_this_one_on_every_machine() -> None:
    table = _table({"grekis": 6, "1139490": 4, "0126247": 3, "41970": 2, "bobfly1": 1})
    table.loc[table["recording_id"] == "grekis/XC5.ogg", "sha256"] = "bytes of grekis/XC1.ogg"
    assert _parts(draw_split(table, SplitConfig(seed=0))) == PINNED


# Groups


def test_group__the_same_bytes_under_two_names_stay_together() -> None:
    table = _table({"grekis": 8})
    table.loc[[2, 5, 7], "sha256"] = "the same bytes"
    for seed in range(30):
        assignment = draw_split(table, SplitConfig(seed=seed)).assignment
        assert assignment.loc[[2, 5, 7], "split"].nunique() == 1
        assert set(assignment.loc[[2, 5, 7], "group_id"]) == {"grekis/XC2.ogg"}


def test_group__the_same_bytes_under_two_species_stay_together() -> None:
    table = _table({"grekis": 6, "1139490": 6})
    table.loc[table["recording_id"].isin(["grekis/XC3.ogg", "1139490/XC1.ogg"]), "sha256"] = "the same bytes"
    for seed in range(30):
        parts = _parts(draw_split(table, SplitConfig(seed=seed)))
        assert parts["grekis/XC3.ogg"] == parts["1139490/XC1.ogg"]


def test_group__copies_do_not_make_a_species_big_enough() -> None:
    table = _table({"grekis": 3, "1139490": 5})
    table.loc[table["primary_label"] == "1139490", "sha256"] = "one recording, five times"
    split = draw_split(table, SplitConfig())
    assert _parts_of_species(split)["1139490"] == {"train": 5}
    assert split.too_small == {"1139490": ["train"]}


def test_group__is_named_after_its_first_recording() -> None:
    assignment = draw_split(_table({"grekis": 3}), SplitConfig()).assignment
    assert list(assignment["group_id"]) == list(assignment["recording_id"])


# Species too small


def test_too_small__one_is_trained_on_two_are_trained_on_and_tested() -> None:
    split = draw_split(_table({"a": 1, "b": 2, "c": 3}), SplitConfig())
    assert split.too_small == {"a": ["train"], "b": ["train", "test"]}
    assert _parts_of_species(split) == {
        "a": {"train": 1},
        "b": {"train": 1, "test": 1},
        "c": {"train": 1, "validation": 1, "test": 1},
    }


def test_too_small__says_a_species_whose_recordings_are_all_copies_of_another_species() -> None:
    # Nobody else would say that 1139490 has no group of its own: it may be tested on without being trained.
    table = pd.concat([_table({"grekis": 6}), _table({"1139490": 1})], ignore_index=True)
    # The group belongs to the species of its first recording, by name.
    table.loc[table["primary_label"] == "grekis", "recording_id"] = [f"0/XC{number}.ogg" for number in range(6)]
    table.loc[table["primary_label"] == "1139490", "sha256"] = "bytes of grekis/XC0.ogg"
    split = draw_split(table, SplitConfig())
    assert list(split.too_small) == ["1139490"]


@pytest.mark.parametrize("counts", [{"a": 1}, {"a": 2}, {"a": 2, "b": 2, "c": 1}])
def test_split__needs_one_species_with_three(counts: dict[str, int]) -> None:
    with pytest.raises(SplitError, match="at least one species needs three recordings") as caught:
        draw_split(_table(counts), SplitConfig())
    assert str(caught.value).startswith(f"{sum(counts.values())} source recordings of {len(counts)} species leave ")
    assert "validation" in str(caught.value)


def test_split__of_nothing() -> None:
    with pytest.raises(SplitError, match="0 source recordings"):
        draw_split(_table({"a": 1}).iloc[:0], SplitConfig())


def test_split__does_not_touch_its_input() -> None:
    table = _table({"grekis": 5})
    before = table.copy(deep=True)
    draw_split(table, SplitConfig())
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    "values",
    [
        {"validation_share": 0.5, "test_share": 0.5},
        {"validation_share": 0.0},
        {"test_share": 0.0},
        {"test_share": 1.0},
        {"test_share": -0.1},
        {"seed": 0.5},
        {"seeds": 1},
    ],
)
def test_split_config__what_leaves_nothing_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SplitConfig(**values)


# The promise


@pytest.fixture
def assignment() -> pd.DataFrame:
    table = _table({"grekis": 9})
    table.loc[[1, 2], "sha256"] = "two copies"
    for seed in range(100):
        drawn = draw_split(table, SplitConfig(seed=seed)).assignment
        if drawn.loc[1, "split"] == "test":
            return drawn
    raise AssertionError("the copies were never drawn into the test set")


def test_check_disjoint__a_drawn_split_holds_it(assignment: pd.DataFrame) -> None:
    check_disjoint(assignment)


def test_check_disjoint__a_test_recording_moved_into_train_is_found(assignment: pd.DataFrame) -> None:
    assignment.loc[2, "split"] = "train"
    with pytest.raises(SplitError, match=r"group 'grekis/XC1\.ogg' is in more than one split"):
        check_disjoint(assignment)


def test_check_disjoint__validation_is_a_split_as_well(assignment: pd.DataFrame) -> None:
    assignment.loc[2, "split"] = "validation"
    with pytest.raises(SplitError, match="more than one split"):
        check_disjoint(assignment)


def test_check_disjoint__a_recording_twice_is_found(assignment: pd.DataFrame) -> None:
    twice = pd.concat([assignment, assignment.iloc[[4]]], ignore_index=True)
    with pytest.raises(SplitError, match=r"recording 'grekis/XC4\.ogg' is assigned twice"):
        check_disjoint(twice)


def test_split_error__is_a_data_error() -> None:
    assert issubclass(SplitError, DataError)
