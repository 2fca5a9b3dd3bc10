"""Splits survive growth: what was assigned stays where it is, whatever becomes of the collection."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from silencio.data.split import (
    SPLIT_HISTORY_COLUMNS,
    SPLITS,
    Split,
    SplitConfig,
    check_disjoint,
    draw_split,
    read_split_history,
)
from silencio.errors import SplitError

CONFIG = SplitConfig()


def _recordings(rows: list[tuple[str, str, str]], **columns: Any) -> pd.DataFrame:
    """From names, labels and bytes."""
    return pd.DataFrame(rows, columns=["recording_id", "primary_label", "sha256"]).assign(**columns)


def _numbered(label: str, numbers: range, **columns: Any) -> pd.DataFrame:
    return _recordings([(f"{label}/XC{n:03}", label, f"bytes of {label} {n}") for n in numbers], **columns)


def _parts(split: Split) -> dict[str, str]:
    return dict(zip(split.assignment["recording_id"], split.assignment["split"], strict=True))


def _counts(split: Split) -> Counter[str]:
    return Counter(split.assignment["split"])


ANCHOR = _numbered("anchor", range(3))
# What runs find, one after another: which recordings, by their bytes; each under its label and its name of the day.
histories = st.lists(
    st.dictionaries(st.integers(0, 11), st.tuples(st.sampled_from(["grekis", "1139490", "41970"]), st.integers(0, 2))),
    min_size=2,
    max_size=5,
)


@settings(max_examples=15)
@given(histories, st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_growth__nothing_that_was_assigned_ever_moves(
    history: list[dict[int, tuple[str, int]]], seeds: list[int]
) -> None:
    assigned: dict[str, str] = {}
    split_history = None
    for found, seed in zip(history, seeds, strict=False):
        rows = [(f"{one}-{name}", label, f"{one}") for one, (label, name) in found.items()]
        table = pd.concat([ANCHOR, _recordings(rows)]).sample(frac=1, random_state=seed)
        # Not even by another seed and other shares.
        split = draw_split(table, SplitConfig(seed=seed, test_share=0.1 + 0.1 * seed), split_history)
        check_disjoint(split.assignment)
        now = split.assignment.merge(table[["recording_id", "sha256"]]).set_index("sha256")["split"].to_dict()
        assert len(now) == len(table)
        assert {one: now[one] for one in now if one in assigned} == {
            one: assigned[one] for one in now if one in assigned
        }
        assert split.n_kept == len(set(now) & set(assigned))
        assigned |= now
        split_history = split.split_history
        # The ledger knows everything that ever was.
        assert dict(zip(split_history["sha256"], split_history["split"], strict=True)).items() >= assigned.items()


def test_growth__the_same_collection_again_is_the_same_split() -> None:
    table = _numbered("grekis", range(11))
    first = draw_split(table, CONFIG)
    again = draw_split(table, SplitConfig(seed=5, test_share=0.5), first.split_history)
    pd.testing.assert_frame_equal(again.assignment, first.assignment)
    pd.testing.assert_frame_equal(again.split_history, first.split_history)
    assert (first.n_kept, again.n_kept) == (0, 11)


def test_growth__without_a_ledger_it_would_move() -> None:
    # What all this is for: a draw from more recordings is another draw.
    few, many = _numbered("grekis", range(20)), _numbered("grekis", range(30))
    drawn, anew = _parts(draw_split(few, CONFIG)), _parts(draw_split(many, CONFIG))
    assert {name for name, part in drawn.items() if anew[name] != part}


@pytest.mark.parametrize("steps", [[40], [20, 1, 19], [3] * 13 + [1], [1] * 37])
def test_growth__shares_are_kept_however_it_grew(steps: list[int]) -> None:
    n, split_history = 3, draw_split(_numbered("grekis", range(3)), CONFIG).split_history
    for step in steps:
        n += step
        split = draw_split(_numbered("grekis", range(n)), CONFIG, split_history)
        split_history = split.split_history
    counts = _counts(split)
    assert abs(counts["test"] - 0.2 * n) <= 1
    assert abs(counts["validation"] - 0.2 * n) <= 1


def test_growth__another_species_is_drawn_as_if_it_were_alone() -> None:
    grekis, jaguar = _numbered("grekis", range(9)), _numbered("41970", range(7))
    split_history = draw_split(grekis, CONFIG).split_history
    grown = _parts(draw_split(pd.concat([grekis, jaguar]), CONFIG, split_history))
    alone = _parts(draw_split(jaguar, CONFIG))
    assert {name: grown[name] for name in alone} == alone


def test_growth__a_species_held_out_whole_learns_from_the_next_recording() -> None:
    # All that was left of it is a test recording; the next one must be heard in training.
    table = _numbered("grekis", range(2))
    split_history = draw_split(pd.concat([ANCHOR, table]), CONFIG).split_history
    kept = table[table["recording_id"].isin(split_history.loc[split_history["split"] == "test", "recording_id"])]
    assert len(kept) == 1
    grown = pd.concat([ANCHOR, kept, _numbered("grekis", range(5, 6))])
    assert _parts(draw_split(grown, CONFIG, split_history))["grekis/XC005"] == "train"


def test_growth__a_species_of_test_recordings_alone_learns_from_the_next_recording() -> None:
    """As many are missing in validation as are new: whoever fills it first leaves nothing to learn from."""
    table = _numbered("grekis", range(20))
    split_history = draw_split(pd.concat([ANCHOR, table]), CONFIG).split_history
    tested = split_history.loc[split_history["split"] == "test", "recording_id"]
    kept = table[table["recording_id"].isin(tested)].iloc[:3]
    assert len(kept) == 3
    grown = pd.concat([ANCHOR, kept, _numbered("grekis", range(25, 26))])
    assert _parts(draw_split(grown, CONFIG, split_history))["grekis/XC025"] == "train"


# Test recordings that come and go

TABLE = pd.concat([_numbered("grekis", range(20)), ANCHOR], ignore_index=True)
FIRST = draw_split(TABLE, CONFIG)
TESTED = [name for name, part in _parts(FIRST).items() if part == "test" and "grekis" in name]


def test_vanished__a_test_recording_that_comes_back_is_still_one() -> None:
    absent = draw_split(TABLE[~TABLE["recording_id"].isin(TESTED)], CONFIG, FIRST.split_history)
    assert not set(TESTED) & set(absent.assignment["recording_id"])
    back = _parts(draw_split(TABLE, CONFIG, absent.split_history))
    assert {back[name] for name in TESTED} == {"test"}


def test_vanished__one_that_comes_back_under_another_name_and_label_is_still_one() -> None:
    absent = draw_split(TABLE[~TABLE["recording_id"].isin(TESTED)], CONFIG, FIRST.split_history)
    back = TABLE.assign(recording_id="again " + TABLE["recording_id"])
    back.loc[TABLE["recording_id"].isin(TESTED), "primary_label"] = "bobfly1"
    parts = _parts(draw_split(back, CONFIG, absent.split_history))
    assert {parts[f"again {name}"] for name in TESTED} == {"test"}


def test_replaced__new_bytes_under_a_known_name_stay_where_the_name_is() -> None:
    # The same recording, cut or encoded anew.
    changed = TABLE.assign(sha256="new " + TABLE["sha256"])
    assert _parts(draw_split(changed, CONFIG, FIRST.split_history)) == _parts(FIRST)


def test_replaced__the_former_bytes_are_not_forgotten() -> None:
    # Somebody else's recording takes the name of a tested one, which comes back later under a name of its own.
    name = TESTED[0]
    former = TABLE.loc[TABLE["recording_id"] == name, "sha256"].item()
    changed = TABLE.assign(sha256=TABLE["sha256"].where(TABLE["recording_id"] != name, "somebody else's"))
    second = draw_split(changed, CONFIG, FIRST.split_history)
    third = pd.concat([changed, _recordings([("grekis/XC999", "grekis", former)])])
    assert _parts(draw_split(third, CONFIG, second.split_history))["grekis/XC999"] == "test"


def test_copies__join_the_part_of_what_they_are_copies_of() -> None:
    copies = TABLE.assign(recording_id="0 copy of " + TABLE["recording_id"])
    parts = _parts(draw_split(pd.concat([TABLE, copies]), CONFIG, FIRST.split_history))
    for name, part in _parts(FIRST).items():
        assert parts[name] == parts[f"0 copy of {name}"] == part


@pytest.mark.parametrize("group_by", ["recording", "recordist"])
def test_copies__packed_anew_are_copies(group_by: str) -> None:
    # FLAC and WAV of one recording: other bytes, the same samples. validate reports them and keeps both.
    table = _by("abcdefghijkl").assign(decoded_sha256=[f"sound {n // 2}" for n in range(12)])
    for seed in range(5):
        assignment = draw_split(table, SplitConfig(seed=seed, group_by=group_by)).assignment
        parts = assignment.merge(table[["recording_id", "decoded_sha256"]]).groupby("decoded_sha256")["split"]
        assert (parts.nunique() == 1).all()


@pytest.mark.parametrize(
    ("parts", "stricter"),
    [(("train", "test"), "test"), (("validation", "train"), "validation"), (("test", "validation"), "test")],
)
def test_conflict__what_was_in_two_parts_goes_to_the_stricter(parts: tuple[str, str], stricter: str) -> None:
    # Two recordings turn out to be one.
    one = _recordings([("a", "grekis", "same"), ("b", "grekis", "same")])
    split_history = one.assign(group_id=["a", "b"], sha256=["bytes a", "bytes b"], split=parts)[SPLIT_HISTORY_COLUMNS]
    split = draw_split(pd.concat([ANCHOR, one]), CONFIG, split_history)
    assert {_parts(split)[name] for name in "ab"} == {stricter}
    check_disjoint(split.assignment)


# Recordists and sites


def _by(owners: str, label: str = "grekis", column: str = "author") -> pd.DataFrame:
    """One recording for each letter, by the recordist of that letter; a dot is nobody known."""
    names = [None if owner == "." else owner for owner in owners]
    return _numbered(label, range(len(owners)), **{column: names})


@pytest.mark.parametrize(("group_by", "column"), [("recordist", "author"), ("site", "site")])
def test_owners__are_in_one_part_each(group_by: str, column: str) -> None:
    table = _by("aaaabbbbccccdddeee", column=column)
    for seed in range(5):
        split = draw_split(table, SplitConfig(seed=seed, group_by=group_by))
        drawn = split.assignment.merge(table[["recording_id", column]])
        assert (drawn.groupby(column)["split"].nunique() == 1).all()
        assert set(drawn["split"]) == set(SPLITS)
        check_disjoint(split.assignment)


def test_owners__two_are_too_few_to_be_kept_apart() -> None:
    table = _by("aaaaaaabbbbbbb")
    by_recordist, by_recording = (draw_split(table, SplitConfig(group_by=by)) for by in ("recordist", "recording"))
    pd.testing.assert_frame_equal(by_recordist.assignment, by_recording.assignment)


def test_owners__are_counted_by_species() -> None:
    table = pd.concat([_by("abcabcabc"), _by("aaaaaaaaa", "41970")], ignore_index=True)
    split = draw_split(table, SplitConfig(group_by="recordist"))
    groups = split.assignment.groupby("primary_label")["group_id"].nunique()
    assert groups.to_dict() == {"41970": 9, "grekis": 3}


def test_owners__nobody_known_is_no_owner() -> None:
    split = draw_split(_by("aabbcc......"), SplitConfig(group_by="recordist"))
    assert split.assignment["group_id"].nunique() == 3 + 6


def test_owners__a_copy_goes_with_the_original_whoever_signed_it() -> None:
    table = _by("abcd")
    copy = _recordings([("grekis/XC999", "grekis", table["sha256"][0])], author="d")
    for seed in range(6):
        split = draw_split(pd.concat([table, copy], ignore_index=True), SplitConfig(seed=seed, group_by="recordist"))
        parts = _parts(split)
        assert parts["grekis/XC999"] == parts["grekis/XC000"]
        check_disjoint(split.assignment)


def test_owners__a_known_recordists_new_recordings_follow_the_old() -> None:
    config = SplitConfig(group_by="recordist")
    first = draw_split(_by("aabbccdd"), config)
    grown = draw_split(_by("aabbccdd" + "abcd" * 5), config, first.split_history)
    part_of = {owner: _parts(first)[f"grekis/XC{2 * place:03}"] for place, owner in enumerate("abcd")}
    for number, owner in enumerate("aabbccdd" + "abcd" * 5):
        assert _parts(grown)[f"grekis/XC{number:03}"] == part_of[owner]


def test_owners__grouped_later_on_go_to_the_stricter_part() -> None:
    # An earlier run drew recordings: a recordist who was tested on is not trained on from now on.
    table = _by("aaabbbcccddd")
    first = draw_split(table, CONFIG)
    tested = {name for name, part in _parts(first).items() if part == "test"}
    owners = set(table.loc[table["recording_id"].isin(tested), "author"])
    assert len(tested) < 3 * len(owners)
    anchor = ANCHOR.assign(author="z")
    split = draw_split(
        pd.concat([table, anchor], ignore_index=True), SplitConfig(group_by="recordist"), first.split_history
    )
    moved = table[table["author"].isin(owners)]["recording_id"]
    assert {_parts(split)[name] for name in moved} == {"test"}
    check_disjoint(split.assignment)


# The ledger on disk


def test_split_history__survives_its_file_and_the_bundle_that_carries_it(tmp_path: Path) -> None:
    FIRST.split_history.to_parquet(tmp_path / "split.parquet", index=False)
    for path in (tmp_path, tmp_path / "split.parquet"):
        pd.testing.assert_frame_equal(read_split_history(path), FIRST.split_history)
    # Columns of a later version are no fault.
    FIRST.split_history.assign(more=1).to_parquet(tmp_path / "split.parquet")
    assert list(read_split_history(tmp_path)) == SPLIT_HISTORY_COLUMNS


def _write_other(path: Path, what: str) -> None:
    if what == "csv":
        FIRST.split_history.to_csv(path)
    elif what == "empty file":
        path.write_bytes(b"")
    elif what == "no column":
        FIRST.split_history.drop(columns="sha256").to_parquet(path)
    elif what == "other parts":
        FIRST.split_history.replace({"split": {"validation": "val"}}).to_parquet(path)
    elif what == "empty folder":
        path.mkdir()


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("nothing", "is no earlier assignment: "),
        ("csv", "is no earlier assignment: "),
        ("empty file", "is no earlier assignment: "),
        ("empty folder", "split.parquet is no earlier assignment: "),
        ("no column", "is no earlier assignment: column 'sha256' is missing"),
        ("other parts", "is no earlier assignment: split 'val' is unknown"),
    ],
)
def test_split_history__of_another_format_is_refused_in_one_sentence(tmp_path: Path, what: str, fault: str) -> None:
    path = tmp_path / "history"
    _write_other(path, what)
    with pytest.raises(SplitError) as caught:
        read_split_history(path)
    assert fault in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_split_history__of_before_calls_the_column_part(tmp_path: Path) -> None:
    FIRST.split_history.rename(columns={"split": "part"}).to_parquet(tmp_path / "split.parquet", index=False)
    pd.testing.assert_frame_equal(read_split_history(tmp_path), FIRST.split_history)


def test_split_history__an_empty_one_is_none() -> None:
    empty = FIRST.split_history.iloc[:0]
    pd.testing.assert_frame_equal(draw_split(TABLE, CONFIG, empty).assignment, FIRST.assignment)
