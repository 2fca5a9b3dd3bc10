"""What simulated users and the producer play: a folder's recordings with their labels, or sounds made up here."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from silencio.audio import decode, resample
from silencio.data.file_names import AUDIO_KINDS, is_audio
from silencio.errors import SchemaError, SourceError
from silencio.storage import FileFinder, escaped
from silencio.tables import read_csv
from silencio.taxonomy import clean_name

RATE_HZ = 32_000
# Folders of BirdCLEF's layout that are no class.
_NO_CLASS = ("train_soundscapes", "test_soundscapes")
_TABLE, _AUDIO = "train.csv", "train_audio"
_MADE_CODES = 6


@dataclass(frozen=True)
class Recording:
    """A recording that may be sent.

    Attributes:
        name: The recording's name, for people.
        code: The recording's label; empty where nobody labelled it.
        read: Reads the file's bytes.
    """

    name: str
    code: str
    read: Callable[[], bytes]


def recordings_of(folder: Path | None) -> list[Recording]:
    """Recordings of a folder, by name: BirdCLEF's layout, one folder a class, or a plain folder without labels.

    Args:
        folder: None makes tones in noise up, so that a server can be tried with nothing at hand.

    Raises:
        SourceError: There is no recording, or the table is broken.
    """
    if folder is None:
        return [_made(number) for number in range(_MADE_CODES)]
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder of recordings")
    found = _of_table(folder) if (folder / _TABLE).is_file() else _of_folders(folder)
    if not found:
        raise SourceError(f"{folder} holds no recording ({AUDIO_KINDS})")
    return found


def label_counts(recordings: Sequence[Recording]) -> Mapping[str, int]:
    """How many recordings each label has, the rarest first."""
    counts = Counter(one.code for one in recordings if one.code)
    return dict(sorted(counts.items(), key=lambda item: (item[1], item[0])))


def _of_table(folder: Path) -> list[Recording]:
    try:
        table = read_csv((folder / _TABLE).read_bytes(), str(folder / _TABLE))
        rows = [(row.cells["filename"].replace("\\", "/"), row.cells["primary_label"]) for row in table.rows]
    except (OSError, KeyError, SchemaError) as error:
        raise SourceError(f"{folder / _TABLE} is no table with filename and primary_label: {error}") from error
    found = FileFinder().find_all([str(folder / _AUDIO / name) for name, _ in rows])
    listed = sorted((name, clean_name(code), Path(path)) for (name, code), path in zip(rows, found, strict=True))
    return [Recording(name, code, path.read_bytes) for name, code, path in listed if path.is_file()]


def _of_folders(folder: Path) -> list[Recording]:
    found = []
    for path in sorted(folder.rglob("*")):
        name = escaped(path.relative_to(folder).as_posix())
        if path.is_file() and is_audio(name):
            first = name.split("/")[0] if "/" in name else ""
            found.append(Recording(name, "" if first in _NO_CLASS else first, path.read_bytes))
    return found


def _made(number: int) -> Recording:
    return Recording(f"made-up-{number}.ogg", "", partial(_song, number))


def _song(number: int) -> bytes:
    rng = np.random.default_rng(number)
    time_s = np.arange(12 * RATE_HZ) / RATE_HZ
    pitch_hz = 400.0 * 2.0 ** (0.6 * number)
    song = 0.3 * np.sin(2 * np.pi * pitch_hz * time_s) * (np.sin(2 * np.pi * 2 * time_s) > 0)
    return encode((song + 0.01 * rng.standard_normal(len(time_s))).astype(np.float32))


def samples_of(recording: Recording) -> NDArray[np.float32]:
    """Its sound at 32 kHz: float32, shape (n_samples,).

    Raises:
        DecodeError: It is no audio.
    """
    audio = decode(recording.read())
    return resample(audio.samples, audio.sample_rate_hz, RATE_HZ)


def fitted(samples: NDArray[np.float32], duration_s: float) -> NDArray[np.float32]:
    """Repeated or cut to a length."""
    return np.resize(samples, round(duration_s * RATE_HZ))


def encode(samples: NDArray[np.float32], container: str = "OGG", rate_hz: int = RATE_HZ) -> bytes:
    """Samples as a file of `OGG`, `WAV`, `FLAC` or `MP3`."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate_hz, 1, format=container) as sound:
        # libsndfile crashes when it is given a long OGG at once.
        for first in range(0, len(samples), rate_hz):
            sound.write(samples[first : first + rate_hz])
    return file.getvalue()
