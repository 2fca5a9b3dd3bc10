"""`silencio explain`: a recording's most probable windows, as pictures and as JSON, and one sentence for bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image

from silencio.__main__ import main
from silencio.bundle import Bundle, Scorer
from silencio.errors import ConfigError, DataError, DecodeError
from silencio.explanations.recording import explain_recording
from silencio.explanations.regions import RegionGrid
from tests.unit.explanations.listening_bundle import SPEC, write_listening_bundle

RATE_HZ = SPEC.sample_rate_hz
GRID = RegionGrid(n_freq_cells=4, n_time_cells=4)
Recorded = Callable[..., Path]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_listening_bundle(tmp_path_factory.mktemp("listening"))


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(Bundle(bundle), n_threads=1)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    def write(duration_s: float, call_s: float | None, silent_from_s: float | None = None) -> Path:
        """Noise, with a call of grekis' band that begins at a second."""
        time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
        sound: NDArray[np.float64] = 0.002 * np.random.default_rng(0).standard_normal(len(time_s))
        if call_s is not None:
            sound += 0.3 * np.sin(2 * np.pi * 2_700 * time_s) * ((time_s >= call_s) & (time_s < call_s + 0.5))
        if silent_from_s is not None:
            sound[time_s >= silent_from_s] = 0.0
        path = tmp_path / "recording.wav"
        soundfile.write(path, sound, RATE_HZ, subtype="PCM_16")
        return path

    return write


def test_explain__writes_pictures_and_numbers(
    bundle: Path, recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--bundle", str(bundle), "--code", "grekis", "--windows", "2", "--out", str(out)]
    grid = ["--freq-cells", "4", "--time-cells", "5"]
    assert main(["explain", str(recorded(6.0, 4.5)), *options, *grid]) == 0
    found = json.loads((out / "explanation.json").read_text(encoding="utf-8"))
    assert (found["code"], found["n_windows"], len(found["windows"])) == ("grekis", 3, 2)
    first = found["windows"][0]
    assert first["start_s"] == 4.0
    importance = np.array(first["importance"])
    assert importance.shape == (4, 5)
    # The call is from 0.5 to 1.0 s of the window.
    assert importance.max(axis=0).argmax() in (1, 2)
    assert 1_500 < first["summary"]["centroid_hz"] < 4_000
    assert Image.open(out / first["picture"]).height == SPEC.n_mels
    assert "Great Kiskadee" in (out / "index.html").read_text(encoding="utf-8")
    assert "Great Kiskadee, 4.0 to 6.0 s" in capsys.readouterr().out


def test_explain__finds_the_window_in_a_recording_of_several_pieces(scorer: Scorer, recorded: Recorded) -> None:
    # More windows than are read at once.
    found = explain_recording(scorer, recorded(50.0, 43.0), code="grekis", grid=GRID)
    assert found.n_windows == 25
    assert found.windows[0].start_s == 42.0
    assert np.abs(found.windows[0].waveform[RATE_HZ : RATE_HZ + 4_000].astype(int)).max() > 5_000


def test_explain__of_a_short_recording_notes_that_it_was_repeated(scorer: Scorer, recorded: Recorded) -> None:
    found = explain_recording(scorer, recorded(0.8, 0.1), code="grekis", grid=GRID)
    assert found.notes == ("the recording of 0.80 s is played again until it fills a window of 2 s",)
    assert found.n_windows == 1


def test_explain__silent_windows_are_left_out(scorer: Scorer, recorded: Recorded) -> None:
    found = explain_recording(scorer, recorded(6.0, None, silent_from_s=2.0), n_windows=3, grid=GRID)
    assert [window.start_s for window in found.windows] == [0.0]


def test_explain__a_silent_recording_is_one_sentence(scorer: Scorer, recorded: Recorded) -> None:
    with pytest.raises(DataError, match="is silent in each of its 3 windows: there is nothing to explain"):
        explain_recording(scorer, recorded(6.0, None, silent_from_s=0.0), grid=GRID)


def test_explain__a_class_that_the_bundle_lacks_is_one_sentence(scorer: Scorer, recorded: Recorded) -> None:
    with pytest.raises(ConfigError, match=r"has no class 'jaguar1': `silencio bundle inspect .*` lists its 5"):
        explain_recording(scorer, recorded(2.0, 0.5), code="jaguar1", grid=GRID)


def test_explain__no_audio_is_one_sentence(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"features of a device")
    with pytest.raises(DecodeError, match="not audio that can be decoded"):
        explain_recording(scorer, tmp_path / "x.npz", grid=GRID)


@pytest.mark.parametrize(
    "options", [["--windows", "0"], ["--freq-cells", "1"], ["--time-cells", "1000"], ["--windows", "two"]]
)
def test_explain__numbers_out_of_range_are_refused(
    options: list[str], bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["explain", "x.wav", "--bundle", str(bundle), "--out", str(tmp_path), *options]
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "a whole number from" in capsys.readouterr().err
