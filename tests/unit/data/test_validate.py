"""Which recordings can be used, and why the others cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from silencio.data.birdclef import Source, read_birdclef
from silencio.data.validate import ValidatedRecordings, ValidationConfig, examine, validate_recordings
from silencio.errors import DataError, StorageError

Encode = Callable[..., bytes]


def _broken(encode: Encode) -> dict[str, tuple[bytes | None, str]]:
    """Recordings that cannot be used, each with what is said of it."""
    noise = np.random.default_rng(0).standard_normal(3200).astype(np.float32) / 10
    return {
        "grekis/XC0.ogg": (None, "the file is missing"),
        "grekis/XC1.ogg": (b"", "the file is empty"),
        "grekis/XC2.wav": (b"<html>Too many requests</html>", "not audio that can be decoded (30 bytes)"),
        "bobfly1/XC0.ogg": (encode(noise[:0], 32000, "OGG"), "the audio holds no samples"),
        "bobfly1/XC1.wav": (encode(noise * np.nan, 32000, "WAV", "FLOAT"), "not finite numbers"),
        "1139490/XC2.ogg": (encode(noise, 32000, "OGG")[:100], "not audio that can be decoded (100 bytes)"),
    }


@pytest.fixture
def broken_source(own_folder: Path, encode: Encode) -> Source:
    for name, (content, _) in _broken(encode).items():
        path = own_folder / "train_audio" / name
        path.unlink() if content is None else path.write_bytes(content)
    return read_birdclef(own_folder)


def test_usable__all_of_a_sound_source(source: Source, validated: ValidatedRecordings) -> None:
    columns = list(source.recordings.columns)
    pd.testing.assert_frame_equal(validated.usable[columns], source.recordings)
    facts = ["sha256", "size_bytes", "duration_s", "sample_rate_hz", "decoded_sha256", "rms_db"]
    assert list(validated.usable.columns) == [*columns, *facts]


def test_left_out__of_a_sound_source_is_an_empty_table(validated: ValidatedRecordings) -> None:
    assert list(validated.left_out.columns) == ["recording_id", "reason"]
    assert len(validated.left_out) == 0


def test_usable__facts_are_those_of_the_files(validated: ValidatedRecordings) -> None:
    rows = validated.usable.set_index("recording_id")
    assert dict(rows["sample_rate_hz"].items())["grekis/XC3.flac"] == 22050
    durations_s = {"grekis/XC0.ogg": 0.3, "grekis/XC1.ogg": 2.0, "grekis/XC2.wav": 5.0, "grekis/XC4.ogg": 12.0}
    for name, duration_s in durations_s.items():
        assert rows.loc[name, "duration_s"] == pytest.approx(duration_s, abs=0.005)
    for row in validated.usable.itertuples():
        encoded = Path(row.path).read_bytes()
        assert row.sha256 == hashlib.sha256(encoded).hexdigest()
        assert row.size_bytes == len(encoded)


def test_left_out__each_by_name_with_its_reason(broken_source: Source, encode: Encode) -> None:
    left_out = validate_recordings(broken_source.recordings).left_out
    reasons = dict(zip(left_out["recording_id"], left_out["reason"], strict=True))
    expected = {name: reason for name, (_, reason) in _broken(encode).items()}
    assert set(reasons) == set(expected)
    for name, reason in expected.items():
        assert reason in reasons[name]


def test_usable__the_others_survive_in_order(broken_source: Source, encode: Encode) -> None:
    usable = validate_recordings(broken_source.recordings).usable
    expected = [name for name in broken_source.recordings["recording_id"] if name not in _broken(encode)]
    assert list(usable["recording_id"]) == expected
    assert len(expected) == 19 - 6
    assert all(type(labels) is list for labels in usable["secondary_labels"])


def test_validate__never_loses_a_recording_silently(broken_source: Source) -> None:
    outcome = validate_recordings(broken_source.recordings)
    accounted = [*outcome.usable["recording_id"], *outcome.left_out["recording_id"]]
    assert sorted(accounted) == list(broken_source.recordings["recording_id"])


def test_validate__a_folder_with_a_files_name_is_left_out(own_folder: Path) -> None:
    path = own_folder / "train_audio/grekis/XC0.ogg"
    path.unlink()
    path.mkdir()
    left_out = validate_recordings(read_birdclef(own_folder).recordings).left_out
    assert list(left_out["recording_id"]) == ["grekis/XC0.ogg"]


def test_validate__a_file_that_may_not_be_read_is_left_out(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def forbidden(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "XC4.ogg":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", forbidden)
    outcome = validate_recordings(source.recordings)
    assert list(outcome.left_out["recording_id"]) == ["grekis/XC4.ogg"]
    assert "Permission denied" in outcome.left_out["reason"][0]


def test_validate__a_name_that_no_file_system_takes_is_left_out(source: Source) -> None:
    recordings = source.recordings.copy()
    recordings.loc[0, "path"] = f"/tmp/{'a' * 300}.ogg"
    outcome = validate_recordings(recordings)
    assert list(outcome.left_out["recording_id"]) == [recordings.loc[0, "recording_id"]]


def test_validate__not_one_usable_recording_is_an_error(source: Source) -> None:
    gone = source.recordings.assign(path="/nowhere/1.ogg")
    with pytest.raises(DataError) as caught:
        validate_recordings(gone)
    assert str(caught.value) == ("none of 19 recordings can be used; the first, 0126247/XC0.wav: the file is missing")


def test_validate__an_empty_table_is_an_error(source: Source) -> None:
    with pytest.raises(DataError, match="none of 0 recordings can be used"):
        validate_recordings(source.recordings.iloc[:0])


def test_validate__does_not_touch_its_input(source: Source) -> None:
    before = source.recordings.copy(deep=True)
    validate_recordings(source.recordings)
    pd.testing.assert_frame_equal(source.recordings, before)


# Threads, limits and places


@pytest.mark.parametrize("n_threads", [1, 4])
def test_validate__any_number_of_threads_finds_the_same(
    broken_source: Source, n_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = validate_recordings(broken_source.recordings)
    monkeypatch.setenv("SILENCIO_THREADS", str(n_threads))
    found = validate_recordings(broken_source.recordings)
    pd.testing.assert_frame_equal(found.usable, expected.usable)
    pd.testing.assert_frame_equal(found.faults, expected.faults)


def test_decoded_sha256__is_of_the_sound_and_not_of_the_file(own_folder: Path, encode: Encode) -> None:
    samples = np.random.default_rng(0).integers(-20_000, 20_000, 32_000).astype(np.int16)
    for name, container in (("grekis/XC2.wav", "WAV"), ("grekis/XC3.flac", "FLAC")):
        (own_folder / "train_audio" / name).write_bytes(encode(samples, 32_000, container, "PCM_16"))
    rows = validate_recordings(read_birdclef(own_folder).recordings).usable.set_index("recording_id")
    one, other = rows.loc["grekis/XC2.wav"], rows.loc["grekis/XC3.flac"]
    assert one["decoded_sha256"] == other["decoded_sha256"] == hashlib.sha256(samples.tobytes()).hexdigest()
    assert one["sha256"] != other["sha256"]
    assert one["rms_db"] == pytest.approx(20 * np.log10(np.sqrt(np.mean(np.square(samples / 32768)))), abs=1e-3)


def test_validate__a_server_that_is_gone_stops_instead_of_leaving_everything_out(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "http://127.0.0.1:1")
    recordings = source.recordings.assign(path="s3://recordings/a.ogg")
    with pytest.raises(StorageError, match=r"no usable answer from 127\.0\.0\.1:1"):
        validate_recordings(recordings)


@pytest.mark.parametrize(
    "values",
    [{"min_duration_s": -1.0}, {"silent_below_db": 3.0}, {"clipped_share": 0.0}, {"odd_deviations": "5"}, {"other": 1}],
)
def test_validation_config__refuses_what_cannot_be(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ValidationConfig.model_validate(values)


@pytest.mark.parametrize("n_second", [500, 65_537, 66_200])
def test_examine__joined_recordings_of_other_rates(tmp_path: Path, encode: Callable[..., bytes], n_second: int) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(96_000)).astype(np.float32)
    file = tmp_path / "joined.ogg"
    file.write_bytes(encode(noise, 48_000, "OGG") + encode(noise[:n_second], 44_100, "OGG"))
    facts, faults = examine("joined.ogg", str(file), ValidationConfig())
    assert facts is not None
    assert facts["duration_s"] == pytest.approx(2.0 + n_second / 44_100, abs=0.01)
    assert [fault.kind for fault in faults] == ["joined"]
