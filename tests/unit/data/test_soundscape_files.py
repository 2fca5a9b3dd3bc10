"""Annotated soundscapes in a folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from silencio.data.annotations import Annotation
from silencio.data.soundscape_files import read_annotated_soundscapes, write_soundscape
from silencio.data.soundscapes import AnnotatedSoundscape
from silencio.errors import SchemaError, SourceError
from silencio.features import FeatureSpec

RATE_HZ = 16_000
SPEC = FeatureSpec(
    sample_rate_hz=RATE_HZ, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0
)
CALLS = (Annotation("grekis", 1.0, 3.0, 2000.0, 4000.0, 6.0, "grekis/1.ogg"), Annotation("65448", 2.5, 4.5))
TABLE = "Begin Time (s)\tEnd Time (s)\tSpecies\n"


def soundscape(duration_s: float = 10.0) -> AnnotatedSoundscape:
    waveform = np.random.default_rng(0).integers(-3000, 3000, round(duration_s * RATE_HZ)).astype(np.int16)
    return AnnotatedSoundscape(
        name="S01_20230411_060000",
        site="S01",
        start=datetime(2023, 4, 11, 6),
        sample_rate_hz=RATE_HZ,
        duration_s=duration_s,
        annotations=CALLS,
        background="pink",
        has_real_background=False,
        waveform=lambda: waveform,
    )


def write_audio(path: Path, seconds: float = 10.0, rate_hz: int = RATE_HZ) -> None:
    soundfile.write(path, np.full(round(seconds * rate_hz), 0.1, np.float32), rate_hz)


# Written and read again


@pytest.mark.parametrize("audio_format", ["flac", "wav"])
def test_write__lossless_formats_keep_every_sample(tmp_path: Path, audio_format: str) -> None:
    write_soundscape(soundscape(), tmp_path / "new", audio_format)  # type: ignore[arg-type]
    (read,) = read_annotated_soundscapes(tmp_path / "new", SPEC)
    np.testing.assert_array_equal(read.waveform(), soundscape().waveform())
    assert read.annotations == CALLS
    assert (read.name, read.site, read.start, read.duration_s) == (
        "S01_20230411_060000",
        "S01",
        datetime(2023, 4, 11, 6),
        10.0,
    )
    assert read.has_real_background


def test_write__a_long_ogg(tmp_path: Path) -> None:
    # libsndfile dies of one this long that is written in one call.
    path = write_soundscape(soundscape(duration_s=200.0), tmp_path, "ogg")
    assert soundfile.info(str(path)).duration == pytest.approx(200.0)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "S01_20230411_060000.Table.1.selections.txt",
        "S01_20230411_060000.ogg",
    ]


def test_write__leaves_nothing_half_written(tmp_path: Path) -> None:
    broken = AnnotatedSoundscape(**{**vars(soundscape()), "annotations": (Annotation("a", "now", 3.0),)})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="format code"):
        write_soundscape(broken, tmp_path)
    assert list(tmp_path.iterdir()) == []


# Real annotations


@pytest.mark.parametrize("ending", [".Table.1.selections.txt", ".Table.2.selections.txt", ".selections.txt", ".txt"])
def test_read__pairs_audio_and_table(tmp_path: Path, ending: str) -> None:
    write_audio(tmp_path / "forest.wav", rate_hz=8000)
    write_audio(tmp_path / "not annotated.wav")
    (tmp_path / f"forest{ending}").write_text(TABLE + "0\t1\tGreat Kiskadee\n")
    (tmp_path / "README.txt").write_text("about these files")
    (read,) = read_annotated_soundscapes(tmp_path, SPEC, codes={"Great Kiskadee": "grekis"})
    assert read.annotations == (Annotation("grekis", 0.0, 1.0),)
    assert (read.name, read.site, read.start) == ("forest", "", None)
    # At the spec's rate, whatever the file's.
    assert len(read.waveform()) == pytest.approx(10 * RATE_HZ, abs=1)


def test_read__a_folder_without_annotations(tmp_path: Path) -> None:
    write_audio(tmp_path / "forest.wav")
    with pytest.raises(SourceError, match="holds no selection table"):
        read_annotated_soundscapes(tmp_path, SPEC)
    with pytest.raises(SourceError, match="is not a folder"):
        read_annotated_soundscapes(tmp_path / "none", SPEC)


def test_read__what_does_not_pair_is_named(tmp_path: Path) -> None:
    (tmp_path / "lost.Table.1.selections.txt").write_text(TABLE)
    with pytest.raises(SourceError, match=r"lost\.Table\.1\.selections\.txt has no audio file lost"):
        read_annotated_soundscapes(tmp_path, SPEC)
    write_audio(tmp_path / "lost.wav")
    (tmp_path / "lost.Table.2.selections.txt").write_text(TABLE)
    with pytest.raises(SourceError, match="leave one table a soundscape"):
        read_annotated_soundscapes(tmp_path, SPEC)
    write_audio(tmp_path / "lost.flac")
    with pytest.raises(SourceError, match=r"holds lost\.flac and lost\.wav"):
        read_annotated_soundscapes(tmp_path, SPEC)


def test_read__a_call_after_the_end_is_a_table_of_another_file(tmp_path: Path) -> None:
    write_audio(tmp_path / "forest.wav", seconds=10.0)
    (tmp_path / "forest.txt").write_text(TABLE + "0\t1\ta\n40\t41.5\tgrekis\n")
    with pytest.raises(SchemaError, match=r"a call of 'grekis' ends at 41\.5 s, forest\.wav after 10 s"):
        read_annotated_soundscapes(tmp_path, SPEC)


def test_read__audio_that_does_not_decode_is_named(tmp_path: Path) -> None:
    (tmp_path / "forest.ogg").write_bytes(b"no audio")
    (tmp_path / "forest.txt").write_text(TABLE)
    with pytest.raises(SourceError, match=r"forest\.ogg: not audio"):
        read_annotated_soundscapes(tmp_path, SPEC)
