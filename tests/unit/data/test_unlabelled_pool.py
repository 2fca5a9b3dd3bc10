"""The pool of self-training: hidden training recordings, or soundscapes that nothing is evaluated on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from silencio.data.backgrounds import half_of
from silencio.data.recordings import soundscape_table
from silencio.data.unlabelled_pool import POOL, hide, soundscape_pool, without_labels
from silencio.data.validate import ValidationConfig
from silencio.errors import DataError

ASSIGNMENT = pd.DataFrame(
    [
        (f"{species}/{group}_{take}.ogg", f"{species}/{group}", species, part)
        for species, groups in {
            "a": ["train"] * 10 + ["test", "validation"],
            "b": ["train"] * 2,
            "c": ["train"],
        }.items()
        for group, part in enumerate(groups)
        for take in range(2)
    ],
    columns=["recording_id", "group_id", "primary_label", "split"],
)


def hidden_groups(table: pd.DataFrame) -> set[str]:
    return set(table.loc[table["split"] == POOL, "group_id"])


def test_hide__takes_a_share_of_each_species_training_groups() -> None:
    hidden = hidden_groups(hide(ASSIGNMENT, 0.3, seed=0))
    assert sum(name.startswith("a/") for name in hidden) == 3
    assert sum(name.startswith("b/") for name in hidden) == 1
    # What a species is known by at all keeps its label.
    assert not any(name.startswith("c/") for name in hidden)


def test_hide__hides_whole_groups_of_training_recordings_alone() -> None:
    after = hide(ASSIGNMENT, 0.5, seed=1)
    assert (after.groupby("group_id")["split"].nunique() == 1).all()
    before = ASSIGNMENT.set_index("recording_id")["split"]
    moved = after[after["split"] == POOL]["recording_id"]
    assert (before[moved] == "train").all()
    held_out = ASSIGNMENT["split"] != "train"
    pd.testing.assert_frame_equal(after[held_out], ASSIGNMENT[held_out])


def test_hide__is_the_same_in_any_order_of_rows_and_another_with_another_seed() -> None:
    first = hidden_groups(hide(ASSIGNMENT, 0.3, seed=0))
    assert hidden_groups(hide(ASSIGNMENT.sample(frac=1.0, random_state=3), 0.3, seed=0)) == first
    assert any(hidden_groups(hide(ASSIGNMENT, 0.3, seed=seed)) != first for seed in range(1, 5))


def test_hide__never_takes_all_of_a_species() -> None:
    after = hide(ASSIGNMENT, 0.99, seed=0)
    assert set(after.loc[after["split"] == "train", "primary_label"]) == {"a", "b", "c"}


def test_without_labels__blanks_the_pool_alone() -> None:
    table = pd.DataFrame({"primary_label": ["a", "b"], "secondary_labels": [["c"], ["c"]], "split": ["train", POOL]})
    blank = without_labels(table)
    assert list(blank["primary_label"]) == ["a", ""]
    assert list(blank["secondary_labels"]) == [["c"], []]
    assert list(table["primary_label"]) == ["a", "b"]


@pytest.fixture
def soundscapes(tmp_path: Path) -> tuple[list[Path], pd.DataFrame]:
    """Twelve, the table of them, of both halves."""
    paths = [tmp_path / f"H{number:02d}_20230421_150000.wav" for number in range(12)]
    for number, path in enumerate(paths):
        noise = np.random.default_rng(number).standard_normal(16000).astype(np.float32) * 0.1
        soundfile.write(path, noise, 16000)
    return paths, soundscape_table([str(path) for path in paths])


LABELLED = pd.DataFrame({"sha256": ["none"], "decoded_sha256": ["none"]})


def test_soundscape_pool__never_holds_one_of_the_test_half(soundscapes: tuple[list[Path], pd.DataFrame]) -> None:
    paths, table = soundscapes
    assert {half_of(path.name) for path in paths} == {"train", "test"}
    pool = soundscape_pool(table, LABELLED, ValidationConfig())
    kept = {path.name for path in paths if half_of(path.name) == "train"}
    assert set(pool["recording_id"]) == {f"soundscapes/{name}" for name in kept}
    assert set(pool["split"]) == {POOL}
    assert set(pool["primary_label"]) == {""}


def test_soundscape_pool__leaves_out_what_is_a_labelled_recording_or_no_audio(
    soundscapes: tuple[list[Path], pd.DataFrame],
) -> None:
    _, table = soundscapes
    whole = soundscape_pool(table, LABELLED, ValidationConfig())
    known, broken = whole.iloc[0], whole.iloc[1]
    Path(broken["path"]).write_bytes(b"no audio")
    labelled = pd.DataFrame({"sha256": ["another file"], "decoded_sha256": [known["decoded_sha256"]]})
    rest = soundscape_pool(table, labelled, ValidationConfig())
    assert set(whole["recording_id"]) - set(rest["recording_id"]) == {known["recording_id"], broken["recording_id"]}


def test_soundscape_pool__none_is_one_sentence() -> None:
    with pytest.raises(DataError, match="of 0 soundscapes none is for training"):
        soundscape_pool(soundscape_table([]), LABELLED, ValidationConfig())
