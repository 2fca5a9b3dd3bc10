"""Backgrounds for training: the train half alone, decoded once, as much as is wanted."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from silencio.data.backgrounds import BackgroundConfig, half_of
from silencio.data.training_backgrounds import training_backgrounds
from silencio.features import FeatureSpec

SPEC = FeatureSpec(
    sample_rate_hz=16_000, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0
)
NAMES = [f"S{number:02d}_20230411_060000.wav" for number in range(12)]
OF_TRAIN = {name for name in NAMES if half_of(name) == "train"}


@pytest.fixture
def soundscapes(tmp_path: Path) -> pd.DataFrame:
    """A second each, of samples that are the file's own number."""
    for number, name in enumerate(NAMES):
        soundfile.write(tmp_path / name, np.full(16_000, 1000 * (number + 1), np.int16), 16_000)
    return pd.DataFrame({"path": [str(tmp_path / name) for name in NAMES]})


def test_training_backgrounds__are_the_train_half_alone(soundscapes: pd.DataFrame) -> None:
    assert 0 < len(OF_TRAIN) < len(NAMES)
    pool = training_backgrounds(soundscapes, SPEC)
    assert pool.half == "train"
    assert set(pool.real_names) == OF_TRAIN


def test_training_backgrounds__are_what_the_files_hold(soundscapes: pd.DataFrame) -> None:
    for name, waveform in training_backgrounds(soundscapes, SPEC).waveforms():
        np.testing.assert_array_equal(waveform, np.full(16_000, 1000 * (NAMES.index(name) + 1), np.int16))


def test_training_backgrounds__need_no_file_afterwards(soundscapes: pd.DataFrame) -> None:
    pool = training_backgrounds(soundscapes, SPEC)
    for path in soundscapes["path"]:
        Path(path).unlink()
    drawn = pool.draw(BackgroundConfig(real_share=1.0), np.random.default_rng(0))
    assert drawn.is_real
    assert drawn.samples(8_000).shape == (8_000,)


def test_training_backgrounds__are_no_more_than_asked_for(soundscapes: pd.DataFrame) -> None:
    # The same few whichever way the table is sorted.
    few = training_backgrounds(soundscapes, SPEC, max_s=1.5)
    assert len(few.real_names) == 2
    assert training_backgrounds(soundscapes[::-1], SPEC, max_s=1.5).real_names == few.real_names


def test_training_backgrounds__one_that_cannot_be_read_is_left_out_and_named(
    soundscapes: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    broken, gone = (Path(soundscapes["path"][NAMES.index(name)]) for name in sorted(OF_TRAIN)[:2])
    broken.write_bytes(b"no audio")
    gone.unlink()
    with caplog.at_level(logging.WARNING):
        pool = training_backgrounds(soundscapes, SPEC)
    assert set(pool.real_names) == OF_TRAIN - {broken.name, gone.name}
    assert str(broken) in caplog.text
    assert str(gone) in caplog.text


def test_training_backgrounds__a_source_without_soundscapes_makes_noise() -> None:
    pool = training_backgrounds(pd.DataFrame({"path": []}), SPEC)
    assert not pool.draw(BackgroundConfig(real_share=1.0), np.random.default_rng(0)).is_real
