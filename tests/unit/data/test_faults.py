"""Faults as a table, and a data set with one of each."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from silencio.data.faults import KINDS, Fault, fault_table, faults_by_kind
from silencio.data.frames import read_frame
from silencio.data.recordings import read_recordings
from silencio.steps import ingest, validate
from tests.recorder_files import with_data_size, without_ogg_end

Encode = Callable[..., bytes]


def test_kinds__say_what_they_mean() -> None:
    assert all(kind.meaning for kind in KINDS.values())
    left_out = {name for name, kind in KINDS.items() if kind.left_out}
    assert left_out == {
        "missing",
        "empty",
        "unreadable",
        "undecodable",
        "too_short",
        "no_sound",
        "unknown_label",
        "rare_label",
    }


def test_kinds__are_those_of_the_page_for_users() -> None:
    text = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", text, flags=re.MULTILINE))
    assert listed == {name: "yes" if kind.left_out else "no" for name, kind in KINDS.items()}


def test_fault_table__is_in_the_order_of_kinds_then_of_ids() -> None:
    faults = [Fault("b", "silent", "2"), Fault("c", "missing", "3"), Fault("a", "silent", "1")]
    table = fault_table(faults)
    assert list(table["recording_id"]) == ["c", "a", "b"]
    assert list(table["left_out"]) == [True, False, False]


def test_fault_table__without_faults_has_its_columns(tmp_path: Path) -> None:
    table = fault_table([])
    assert list(table.columns) == ["recording_id", "kind", "detail", "left_out"]
    assert faults_by_kind(table).empty
    table.to_parquet(tmp_path / "faults")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "faults"), table)


def test_faults_by_kind__counts_what_was_found() -> None:
    table = faults_by_kind(fault_table([Fault("a", "silent", ""), Fault("b", "silent", ""), Fault("c", "empty", "")]))
    assert table[["kind", "found", "left out"]].to_numpy().tolist() == [["empty", 1, "yes"], ["silent", 2, "no"]]


# One of each


def _noise(seed: int, duration_s: float = 3.0, rate_hz: int = 32000) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(duration_s * rate_hz))).astype(np.float32)


def _oddly_written(encode: Encode) -> dict[str, bytes]:
    """What readers of recordings find and read all the same, one file each; no two have the same sound."""
    wav, mp3 = encode(_noise(40), 32000, "WAV", "PCM_16"), encode(_noise(43), 32000, "MP3")
    beyond = _noise(46)
    beyond[[100, 200, 300]] = 2.5
    quiet, tone = _noise(45), _noise(44)
    return {
        "frog/header_size.wav": with_data_size(wav, 44),
        "frog/no_end_mark.ogg": without_ogg_end(encode(_noise(41), 32000, "OGG")),
        "frog/joined.ogg": encode(_noise(42, 1.5), 32000, "OGG") + encode(_noise(50, 1.5), 32000, "OGG"),
        "frog/damaged.mp3": mp3[: len(mp3) // 2] + b"\xff\x00" * 999 + mp3[len(mp3) // 2 :],
        "frog/channels_cancel.wav": encode(np.stack([tone, -tone], axis=1), 32000, "WAV"),
        "frog/dead_channel.wav": encode(np.stack([quiet, 0 * quiet], axis=1), 32000, "WAV"),
        "frog/integer_scale.wav": encode(_noise(47) * 32768, 32000, "WAV", "FLOAT"),
        "frog/beyond_full_scale.wav": encode(beyond, 32000, "WAV", "FLOAT"),
        "frog/dc_offset.wav": encode(_noise(48) + 0.2, 32000, "WAV"),
    }


@dataclass(frozen=True)
class Outcome:
    """What ingest and validate leave of the data set with one of each fault."""

    counts: dict[str, float]
    validation: validate.Outcome
    faults: pd.DataFrame
    usable: pd.DataFrame
    report: str


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, encode: Encode) -> Outcome:
    """Eleven sound recordings of two species, and one more for each kind of fault."""
    root, out = tmp_path_factory.mktemp("faulty"), tmp_path_factory.mktemp("out")
    sound = {f"frog/sound_{seed}.ogg": encode(_noise(seed), 32000, "OGG") for seed in range(11)}
    half = encode(_noise(20, 20.0), 32000, "OGG")
    files: dict[str, bytes | None] = {
        **sound,
        "frog/missing.ogg": None,
        "frog/empty.ogg": b"",
        "frog/unreadable.ogg": None,
        "frog/undecodable.ogg": b"<html>Too many requests</html>",
        "frog/too_short.ogg": encode(_noise(21, 0.05), 32000, "OGG"),
        "frog/no_sound.wav": encode(np.zeros(96000, np.float32), 32000, "WAV"),
        "frgo/unknown_label.ogg": encode(_noise(22), 32000, "OGG"),
        "frog/other_form.ogg": encode(_noise(27), 32000, "OGG"),
        "frog/truncated.ogg": half[: len(half) // 2],
        "frog/z_duplicate.ogg": sound["frog/sound_1.ogg"],
        "frog/z_same_sound.wav": None,
        "bird/z_two_labels.ogg": sound["frog/sound_3.ogg"],
        "frog/silent.wav": encode(_noise(23) / 1000, 32000, "WAV"),
        "frog/clipped.wav": encode(np.clip(_noise(24) * 30, -1, 1), 32000, "WAV"),
        "frog/other_rate.wav": encode(_noise(25, rate_hz=22050), 22050, "WAV"),
        "frog/odd_duration.wav": encode(_noise(26, 100.0, 32000), 32000, "WAV"),
    }
    samples = (_noise(30) * 32768).astype(np.int16)
    files["frog/a_same_sound.flac"] = encode(samples, 32000, "FLAC", "PCM_16")
    files["frog/z_same_sound.wav"] = encode(samples, 32000, "WAV", "PCM_16")
    files |= _oddly_written(encode)
    for name, content in files.items():
        path = root / "train_audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content)
    (root / "train_audio/frog/unreadable.ogg").mkdir()
    (root / "train_audio/frog/other_form.ogg").rename(root / "train_audio/frog/Other_Form.OGG")
    rows = "".join(f"{name.split('/')[0]},[],{name}\n" for name in files)
    (root / "train.csv").write_text(f"primary_label,secondary_labels,filename\n{rows}")
    species = "frog,Rana,Frog,Amphibia\nbird,Pitangus,Bird,Aves\ncat,Felis,Cat,Mammalia\n"
    (root / "taxonomy.csv").write_text(f"primary_label,scientific_name,common_name,class_name\n{species}")
    tables = ingest.Outputs(*(out / name for name in ("recordings", "classes", "soundscapes")))
    counts = ingest.run(ingest.Inputs(str(root)), tables)
    written = validate.Outputs(*(out / name for name in ("usable", "faults", "report.html")))
    validation = validate.run(validate.Inputs(tables.recordings), written)
    return Outcome(
        counts,
        validation,
        read_frame(out / "faults"),
        read_recordings(out / "usable"),
        html.unescape((out / "report.html").read_text()),
    )


EXPECTED = {
    "missing": {"frog/missing.ogg": "the file is missing"},
    "empty": {"frog/empty.ogg": "the file is empty (0 bytes)"},
    "unreadable": {"frog/unreadable.ogg": "the file cannot be read: Is a directory"},
    "undecodable": {"frog/undecodable.ogg": "not audio that can be decoded (30 bytes)"},
    "too_short": {"frog/too_short.ogg": "the audio is 0.05 s long, at least 0.1 s is needed"},
    "no_sound": {"frog/no_sound.wav": "3.0 s in which every sample is 0"},
    "unknown_label": {"frgo/unknown_label.ogg": "label 'frgo' is not in the taxonomy"},
    "other_form": {"frog/other_form.ogg": "the table has frog/other_form.ogg, the file frog/Other_Form.OGG"},
    "truncated": {"frog/truncated.ogg": "the last Ogg page is cut"},
    "header_size": {"frog/header_size.wav": "the header says 44 bytes of samples, 192000 were found and read"},
    "no_end_mark": {"frog/no_end_mark.ogg": "the Ogg stream has no mark of its end"},
    "joined": {"frog/joined.ogg": "2 Ogg streams are joined: all were read"},
    "damaged": {"frog/damaged.mp3": "bytes between MP3 frames are no frames"},
    "channels_cancel": {"frog/channels_cancel.wav": "channel 1 was taken"},
    "dead_channel": {"frog/dead_channel.wav": "channel 2 of 2 holds nothing"},
    "integer_scale": {"frog/integer_scale.wav": "they were divided by 32768"},
    "beyond_full_scale": {"frog/beyond_full_scale.wav": "3 of 96000 samples are beyond full scale, up to 2.5 times"},
    "dc_offset": {"frog/dc_offset.wav": "the samples lie around 0.200 of full scale instead of 0"},
    "duplicate": {
        "frog/z_duplicate.ogg": "same bytes as frog/sound_1.ogg",
        "frog/z_same_sound.wav": "same sound as frog/a_same_sound.flac",
    },
    "duplicate_two_labels": {
        "frog/sound_3.ogg": "same bytes as bird/z_two_labels.ogg, labelled 'bird' there, 'frog' here"
    },
    "silent": {"frog/silent.wav": "-80 dB of full scale"},
    "clipped": {"frog/clipped.wav": "% of the samples are at full scale"},
    "other_rate": {"frog/other_rate.wav": "22050 Hz, the usual is 32000 Hz"},
    "odd_duration": {"frog/odd_duration.wav": "100.00 s, half of all are above 3.00 s"},
    "no_recordings": {"": "cat (Felis)"},
}


def test_expected__is_every_kind_that_needs_no_configuration() -> None:
    assert set(EXPECTED) == set(KINDS) - {"low_rate", "rare_label"}


@pytest.mark.parametrize("kind", EXPECTED)
def test_one_of_each__is_found_with_what_was_found_and_nowhere_else(outcome: Outcome, kind: str) -> None:
    rows = outcome.faults[outcome.faults["kind"] == kind]
    found = dict(zip(rows["recording_id"], rows["detail"], strict=True))
    assert set(found) == set(EXPECTED[kind])
    for name, detail in EXPECTED[kind].items():
        assert detail in found[name]


def test_one_of_each__runs_through_and_keeps_what_can_be_used(outcome: Outcome) -> None:
    left_out = {name for kind, rows in EXPECTED.items() if KINDS[kind].left_out for name in rows}
    assert len(left_out) == 7
    assert set(outcome.faults.loc[outcome.faults["left_out"], "recording_id"]) == left_out
    assert not left_out & set(outcome.usable["recording_id"])
    assert len(outcome.usable) == 30
    assert outcome.validation.metrics["usable"] == 30
    assert outcome.validation.metrics["left_out"] == 7
    assert outcome.counts["labels_not_in_taxonomy"] == 1


def test_one_of_each__is_named_on_the_page(outcome: Outcome) -> None:
    assert "30 of 37 recordings can be used" in outcome.report
    for kind, rows in EXPECTED.items():
        assert f"{kind}: {len(rows)}, {'left out' if KINDS[kind].left_out else 'kept'}" in outcome.report
        assert KINDS[kind].meaning in outcome.report
        for name in rows:
            assert name in outcome.report


def test_one_of_each__is_counted_for_the_runs_page(outcome: Outcome) -> None:
    counts = {name: value for name, value in outcome.validation.metrics.items() if name.startswith("fault_")}
    assert counts == {f"fault_{kind}": len(rows) for kind, rows in EXPECTED.items()}


def test_sound_recordings__have_no_fault(outcome: Outcome) -> None:
    named = set(outcome.faults["recording_id"])
    # The third has its twin under another label.
    assert {f"frog/sound_{seed}.ogg" for seed in range(11)} & named == {"frog/sound_3.ogg"}
