"""Recordings whose file names say their class: what `file_names.yaml` may say, and what it makes of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.data.named_files import FileNames, proposal
from silencio.data.recordings import Source
from silencio.data.source import open_source
from silencio.errors import SchemaError, SourceError
from tests.unit.data.conftest import LayOut

NAMES = ("kick_01.wav", "kick_02.FLAC", "snare_01.wav", "00 intro.ogg", "notes.txt", ".kick_03.wav")


def folder_of(path: Path, rule: str, names: tuple[str, ...] = NAMES) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"x")
    (path / "file_names.yaml").write_text(rule)
    return path


def labels_of(source: Source) -> dict[str, str]:
    return dict(zip(source.recordings["recording_id"], source.recordings["primary_label"], strict=True))


def test_named_files__the_class_is_what_the_pattern_takes(tmp_path: Path, laid_out: LayOut) -> None:
    source = open_source(laid_out(folder_of(tmp_path / "drums", "pattern: '([a-z]+)_'\nlicense: CC0-1.0\n")))
    assert labels_of(source) == {"kick_01.wav": "kick", "kick_02.FLAC": "kick", "snare_01.wav": "snare"}
    assert [(one.code, one.common_name, one.class_name) for one in source.classes] == [
        ("kick", "kick", "unknown"),
        ("snare", "snare", "unknown"),
    ]
    assert set(source.recordings["license"]) == {"CC0-1.0"}
    assert list(source.recordings["secondary_labels"]) == [[], [], []]
    assert "recordings named by class, as file_names.yaml says" in source.taken_as


def test_named_files__other_names_are_left_out_and_named(tmp_path: Path) -> None:
    source = open_source(str(folder_of(tmp_path, "pattern: '([a-z]+)_'\n")))
    assert source.faults[["recording_id", "kind", "left_out"]].to_numpy().tolist() == [
        ["00 intro.ogg", "unknown_label", True]
    ]
    assert "not as file_names.yaml says" in source.faults["detail"][0]
    assert "1 with other names" in source.taken_as


def test_named_files__in_folders_by_the_name_alone(tmp_path: Path) -> None:
    names = ("kit_a/kick_01.wav", "kit_b/kick_01.wav", "train_soundscapes/kick_03.wav")
    source = open_source(str(folder_of(tmp_path, "pattern: '([a-z]+)_'\n", names)))
    assert labels_of(source) == {"kit_a/kick_01.wav": "kick", "kit_b/kick_01.wav": "kick"}
    assert len(source.soundscapes) == 1


def test_named_files__who_and_where_for_a_split_by_groups(tmp_path: Path) -> None:
    rule = "pattern: '(?P<author>[a-z]+)-(?P<label>[a-z]+)(-(?P<site>[A-Z]\\d))?'\n"
    source = open_source(str(folder_of(tmp_path, rule, ("ana-kick-H1.wav", "bo-snare.wav"))))
    columns = ["primary_label", "author", "site"]
    assert source.recordings[columns].to_numpy().tolist() == [["kick", "ana", "H1"], ["snare", "bo", ""]]


def test_named_files__a_taxonomy_names_the_classes(tmp_path: Path) -> None:
    folder_of(tmp_path, "pattern: '([a-z]+)_'\nclass_name: instrument\n")
    assert {one.class_name for one in open_source(str(tmp_path)).classes} == {"instrument"}
    table = "primary_label,scientific_name,common_name,class_name\nkick,Bass drum,Kick,drum\n"
    (tmp_path / "taxonomy.csv").write_text(table)
    source = open_source(str(tmp_path))
    assert [(one.common_name, one.class_name) for one in source.classes] == [("Kick", "drum")]
    assert sorted(source.faults["recording_id"]) == ["00 intro.ogg", "snare_01.wav"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("pattern: '(['\n", "pattern is not a regular expression"),
        ("pattern: '[a-z]+_'\n", "pattern must have a group for the class"),
        ("pattern: '([a-z]+)_([0-9]+)'\n", "pattern must have a group for the class"),
        ("pattern: '(?P<author>[a-z]+)_'\n", "pattern must have a group for the class"),
        ("pattern: '(?P<klass>[a-z]+)_'\n", "a group 'klass': groups are named label, author, site"),
        ("pattern: 3\n", "pattern Input should be a valid string"),
        ("patern: '([a-z]+)_'\n", "pattern Field required"),
        ("pattern: '([a-z]+)_'\nlicence: CC0\n", "licence is not known here"),
        ("- kick\n", "must be a mapping such as pattern:"),
        ("", "must be a mapping such as pattern:"),
        ("pattern: [\n", "is not YAML"),
    ],
)
def test_named_files__a_broken_rule_is_one_sentence(tmp_path: Path, rule: str, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        open_source(str(folder_of(tmp_path, rule)))
    assert "file_names.yaml" in str(caught.value)
    assert message in str(caught.value)


def test_named_files__a_pattern_like_none_of_the_names_is_shown_beside_one(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"not one of 4 recordings has a name like '\(\[0-9\]\+\)_', the first is '00 "
    ):
        open_source(str(folder_of(tmp_path, "pattern: '([0-9]+)_'\n")))


def test_named_files__a_group_that_took_nothing_is_no_class() -> None:
    rule = FileNames(pattern="(?P<label>[a-z]*)_")
    assert rule.read("_01.wav") is None
    assert rule.read("kick_01.wav") == {"label": "kick"}


# Without the rule


def test_open_source__a_folder_of_loose_recordings_is_told_what_to_write(tmp_path: Path) -> None:
    folder_of(tmp_path, "")
    (tmp_path / "file_names.yaml").unlink()
    with pytest.raises(SourceError, match=r"write file_names\.yaml beside them, .*would give kick 2, snare 1"):
        open_source(str(tmp_path))


def test_proposal__names_that_begin_with_no_letter() -> None:
    assert "would give" not in proposal(["01.wav", "02.wav"])
    assert "a 1, b 1, c 1, d 1, e 1, …" in proposal([f"{letter}1.wav" for letter in "abcdef"])
