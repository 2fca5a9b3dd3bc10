"""Typical windows, and recordings that are found by their sha256."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from monitoring.drift import sounds
from monitoring.drift.sounds import RecordingFolder, WindowSound
from monitoring.drift.typical_windows import CODE, COLUMNS, N_CANDIDATES, candidates, nearest_to_median, window_pairs
from silencio.errors import ConfigError
from silencio.features import FeatureSpec
from tests.monitoring.drift.made_log import FIRST, day_rows

SPEC = FeatureSpec(last_window="moved_back")


def write_recording(folder: Path, name: str, level: float, seconds: float = 12.0) -> str:
    """A recording whose second window is louder; its sha256."""
    samples = np.full(round(seconds * SPEC.sample_rate_hz), level, np.float32)
    samples[5 * SPEC.sample_rate_hz : 10 * SPEC.sample_rate_hz] *= 2
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / name, samples, SPEC.sample_rate_hz, format="FLAC")
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_nearest__are_in_the_middle_of_every_signal() -> None:
    level = np.array([-40.0, -41.0, -39.0, -80.0, -40.5])
    ratio = np.array([10.0, 10.0, 30.0, 10.0, np.nan])
    order = nearest_to_median([level, ratio, np.full(5, np.nan)]).tolist()
    assert order[0] == 4 or order[0] == 0
    assert order[-1] in (2, 3) and 3 in order[-2:] and 2 in order[-2:]


def test_candidates__are_of_the_day_the_site_and_what_was_answered() -> None:
    day, other = day_rows(FIRST), day_rows(FIRST + timedelta(days=1))
    shadow, south = day_rows(FIRST, shadow=True, device_id="copy"), day_rows(FIRST, "south")
    failed = day_rows(FIRST, status="400", device_id="failed")
    found = candidates(pa.concat_tables([day, other, shadow, south, failed]), "north", [FIRST])
    assert found.column_names == list(COLUMNS)
    assert set(found["device_id"].to_pylist()) == {"am-1", "am-2", "am-3"}
    assert set(found["recording_sha256"].to_pylist()) <= set(day["recording_sha256"].to_pylist())
    first = found.filter(pa.compute.equal(found["device_id"], "am-1"))["rms_db"].to_numpy()
    assert abs(first[0] - np.median(day["rms_db"].to_numpy())) < 1.5


def test_candidates__have_the_species_that_is_named_and_as_many_with_one() -> None:
    rows = day_rows(FIRST, devices=("am-1",))
    found = candidates(rows, "north", [FIRST])
    named = dict(zip(rows["recording_sha256"].to_pylist(), rows["detected_codes"].to_pylist(), strict=True))
    for name, code in zip(found["recording_sha256"].to_pylist(), found[CODE].to_pylist(), strict=True):
        assert named[name] == ([] if code is None else [code])
    assert None in found[CODE].to_pylist()[:N_CANDIDATES]
    assert len(found) - found[CODE].null_count == N_CANDIDATES


def test_candidates__of_a_day_without_rows_are_none() -> None:
    assert len(candidates(day_rows(FIRST), "north", [FIRST + timedelta(days=9)])) == 0


def test_folder__finds_by_name_and_by_bytes(tmp_path: Path) -> None:
    by_bytes = write_recording(tmp_path / "deep", "a.flac", 0.1)
    by_name = "ab" * 32
    write_recording(tmp_path, f"am-1_{by_name}.flac", 0.2)
    folder = RecordingFolder(tmp_path)
    assert folder.known([by_bytes, by_name, "cd" * 32]) == {by_bytes, by_name}


def test_folder__that_is_an_archive_is_looked_at_by_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_bytes = write_recording(tmp_path, "a.flac", 0.1)
    monkeypatch.setattr(sounds, "MAX_HASHED_BYTES", 10)
    assert RecordingFolder(tmp_path).known([by_bytes]) == set()


def test_folder__that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        RecordingFolder(tmp_path / "nowhere")


def test_window__is_the_one_that_the_log_names(tmp_path: Path) -> None:
    digest = write_recording(tmp_path, "a.flac", 0.1)
    folder = RecordingFolder(tmp_path)
    quiet, loud = folder.window(digest, 0.0, SPEC), folder.window(digest, 5.0, SPEC)
    assert quiet is not None and loud is not None
    assert len(quiet) == len(loud) == 5 * SPEC.sample_rate_hz
    assert np.median(loud) == pytest.approx(2 * np.median(quiet), rel=0.01)
    assert folder.window(digest, 60.0, SPEC) is None
    assert folder.window("ab" * 32, 0.0, SPEC) is None


def test_window__of_what_is_no_audio_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"no audio")
    digest = hashlib.sha256(b"no audio").hexdigest()
    assert RecordingFolder(tmp_path).window(digest, 0.0, SPEC) is None


def test_pairs__take_windows_whose_recording_is_at_hand(tmp_path: Path) -> None:
    rows = day_rows(FIRST, devices=("am-1",))
    table = candidates(rows, "north", [FIRST])
    digest = write_recording(tmp_path, "a.flac", 0.1)
    # The tenth most typical is the only one of which the folder has the sound.
    names = table["recording_sha256"].to_pylist()
    names[10] = digest
    table = table.set_column(table.column_names.index("recording_sha256"), "recording_sha256", pa.array(names))
    (pair,) = window_pairs(table, table.slice(0, 5), ["am-1", "am-9"], WindowSound(RecordingFolder(tmp_path), SPEC))
    (before,), (after,) = pair.before, pair.after
    assert before.recording_sha256 == digest and before.waveform is not None
    assert after.recording_sha256 == names[0] and after.waveform is None
    assert after.facts.startswith("Level -4") and "SNR" in after.facts
