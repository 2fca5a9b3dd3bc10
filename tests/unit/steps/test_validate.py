"""validate: from a table of recordings to those that can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.data.birdclef import Source, read_birdclef
from silencio.data.frames import read_frame
from silencio.data.recordings import data_fingerprint, read_recordings, write_recordings
from silencio.data.validate import ValidatedRecordings, ValidationConfig
from silencio.errors import DataError
from silencio.steps.validate import Inputs, Outcome, Outputs, run


def _validate(source: Source, folder: Path) -> Outcome:
    write_recordings(source.recordings, folder / "recordings", source.faults)
    return run(Inputs(folder / "recordings"), _outputs(folder))


def _outputs(folder: Path) -> Outputs:
    return Outputs(folder / "usable", folder / "faults", folder / "report.html")


@pytest.fixture
def broken_folder(own_folder: Path) -> Path:
    (own_folder / "train_audio/grekis/XC1.ogg").unlink()
    (own_folder / "train_audio/41970/XC1.wav").write_bytes(b"<html>Too many requests</html>")
    return own_folder


def test_validate__of_a_sound_source(source: Source, validated: ValidatedRecordings, tmp_path: Path) -> None:
    outcome = _validate(source, tmp_path)
    hours = validated.usable["duration_s"].sum() / 3600
    assert outcome.metrics == {
        "usable": 19,
        "left_out": 0,
        "hours": pytest.approx(hours, abs=5e-4),
        "fault_clipped": 1,
        "fault_dc_offset": 1,  # of a growl that is short and low
        "fault_no_recordings": 1,
        "fault_other_rate": 10,
    }
    assert outcome.data_fingerprint == data_fingerprint(validated.usable)
    report = (tmp_path / "report.html").read_text()
    assert "19 of 19 recordings can be used, 0.02 hours of sound." in report
    assert "yebela1 (Elaenia flavogaster)" in report


def test_validate__writes_the_usable_ones_only(broken_folder: Path, tmp_path: Path) -> None:
    outcome = _validate(read_birdclef(broken_folder), tmp_path)
    usable = read_recordings(tmp_path / "usable")
    assert (outcome.metrics["usable"], outcome.metrics["left_out"]) == (17, 2)
    assert len(usable) == 17
    assert not {"grekis/XC1.ogg", "41970/XC1.wav"} & set(usable["recording_id"])
    assert {"sha256", "size_bytes", "duration_s", "sample_rate_hz"} <= set(usable.columns)


def test_validate__the_page_names_what_was_left_out(broken_folder: Path, tmp_path: Path) -> None:
    _validate(read_birdclef(broken_folder), tmp_path)
    report = (tmp_path / "report.html").read_text()
    assert "17 of 19 recordings can be used" in report
    for text in ("grekis/XC1.ogg", "the file is missing", "41970/XC1.wav", "not audio that can be decoded (30 bytes)"):
        assert text in report


def test_validate__the_fingerprint_is_of_the_usable_data(source: Source, own_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    whole = _validate(source, tmp_path / "a").data_fingerprint
    # The same files in another folder are the same data, and a byte more in one of them is not.
    assert _validate(read_birdclef(own_folder), tmp_path / "b").data_fingerprint == whole
    with (own_folder / "train_audio/grekis/XC2.wav").open("ab") as file:
        file.write(bytes(1))
    assert _validate(read_birdclef(own_folder), tmp_path / "c").data_fingerprint != whole


def test_validate__of_nothing_usable_is_an_error(source: Source, tmp_path: Path) -> None:
    write_recordings(source.recordings.assign(path="/nowhere/1.ogg"), tmp_path / "recordings")
    with pytest.raises(DataError, match="none of 19 recordings can be used"):
        run(Inputs(tmp_path / "recordings"), _outputs(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["recordings"]


def test_validate__writes_every_fault(broken_folder: Path, tmp_path: Path) -> None:
    table = (broken_folder / "train.csv").read_text().replace("\nbobfly1,", "\nbobfly9,", 1)
    (broken_folder / "train.csv").write_text(table)
    outcome = _validate(read_birdclef(broken_folder), tmp_path)
    faults = read_frame(tmp_path / "faults")
    assert list(faults.columns) == ["recording_id", "kind", "detail", "left_out"]
    # What ingest found in the tables and what validate found in the files stand in one table.
    assert faults["kind"].value_counts().to_dict() == {
        "clipped": 1,
        "missing": 1,
        "no_recordings": 1,
        "other_rate": 8,
        "undecodable": 1,
        "unknown_label": 1,
    }
    assert set(faults.loc[faults["left_out"], "kind"]) == {"missing", "undecodable", "unknown_label"}
    assert outcome.metrics["left_out"] == 3
    assert "16 of 19 recordings can be used" in (tmp_path / "report.html").read_text()


def test_validate__takes_limits_and_rate_from_the_configuration(source: Source, tmp_path: Path) -> None:
    write_recordings(source.recordings, tmp_path / "recordings")
    inputs = Inputs(tmp_path / "recordings", ValidationConfig(min_duration_s=1.0), spec_rate_hz=32000)
    metrics = run(inputs, _outputs(tmp_path)).metrics
    assert metrics["fault_too_short"] == 5
    assert metrics["fault_low_rate"] > 0


def test_validate__the_page_names_long_names_whole(source: Source, tmp_path: Path) -> None:
    name = f"{'a_very_long_name_' * 10}.ogg"
    recordings = source.recordings.copy()
    recordings.loc[0, ["recording_id", "path"]] = [name, f"/nowhere/{name}"]
    write_recordings(recordings, tmp_path / "recordings")
    run(Inputs(tmp_path / "recordings"), _outputs(tmp_path))
    assert name in (tmp_path / "report.html").read_text()
