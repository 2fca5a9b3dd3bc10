"""Annotated soundscapes in a folder: audio, and Raven's selection table beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from silencio.audio import audio_duration_s
from silencio.data.file_names import is_audio, site_and_time
from silencio.data.raven import LABEL_COLUMNS, TABLE_SUFFIX, read_raven_table, write_raven_table
from silencio.data.soundscapes import AnnotatedSoundscape
from silencio.errors import DecodeError, SchemaError, SourceError, StorageError
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import escaped
from silencio.storage.atomic import replace_file, writing

_TABLE_ENDING = re.compile(r"((\.Table\.\d+)?\.selections)?\.txt$")
_ROUNDING_S = 0.1


def write_soundscape(
    soundscape: AnnotatedSoundscape, directory: Path, audio_format: Literal["ogg", "flac", "wav"] = "flac"
) -> Path:
    """Write `<name>.<format>` and `<name>.Table.1.selections.txt`.

    OGG is lossy: levels as annotated hold for FLAC and WAV. Neither file is left half-written.

    Returns:
        The audio file.

    Raises:
        StorageError: The disk is full, or the place cannot be written to.
    """
    directory.mkdir(parents=True, exist_ok=True)
    audio, table = directory / f"{soundscape.name}.{audio_format}", directory / f"{soundscape.name}{TABLE_SUFFIX}"
    begun = [path.with_name(f".{path.name}.part") for path in (audio, table)]
    try:
        with writing(audio):
            _write_audio(soundscape.waveform(), soundscape.sample_rate_hz, begun[0], audio_format)
            write_raven_table(soundscape.annotations, begun[1])
            for part, path in zip(begun, (audio, table), strict=True):
                replace_file(part, path)
    except soundfile.LibsndfileError as error:
        raise StorageError(f"{audio} cannot be written ({error}): is its disk full?") from error
    finally:
        for part in begun:
            part.unlink(missing_ok=True)
    return audio


def read_annotated_soundscapes(
    folder: Path,
    spec: FeatureSpec,
    label_columns: Sequence[str] = LABEL_COLUMNS,
    codes: Mapping[str, str] | None = None,
) -> list[AnnotatedSoundscape]:
    """Audio files that have a selection table of the same name beside them; audio is decoded when it is asked for.

    A table is `<name>.Table.1.selections.txt`, `<name>.selections.txt` or `<name>.txt`. It must list every animal that
    is to be found, for what is not listed counts as not there. Audio without a table was not annotated, and is left
    out.

    Args:
        folder: Both kinds of files, side by side.
        spec: Feature spec, for the sample rate.
        label_columns: See `read_raven_table`.
        codes: See `read_raven_table`.

    Returns:
        By name.

    Raises:
        SourceError: No folder, nothing in it that is annotated, or a table and its audio do not pair.
        SchemaError: A table is broken, or lists a call after the audio's end.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder of annotated soundscapes")
    audio: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if is_audio(path.name):
            if path.stem in audio:
                raise SourceError(f"{folder} holds {audio[path.stem].name} and {path.name}: leave one of them there")
            audio[path.stem] = path
    tables: dict[str, Path] = {}
    for path in sorted(folder.glob("*.txt")):
        name = _TABLE_ENDING.sub("", path.name)
        if path.stem == name and name not in audio:
            continue  # a text about something else
        if name in tables:
            raise SourceError(f"{folder} holds {tables[name].name} and {path.name}: leave one table a soundscape")
        tables[name] = path
    lost = sorted(set(tables) - set(audio))
    if lost:
        raise SourceError(f"{tables[lost[0]]} has no audio file {lost[0]} beside it ({len(lost)} such tables)")
    if not tables:
        raise SourceError(f"{folder} holds no selection table ({TABLE_SUFFIX.strip('.')}) beside its audio")
    front_end = FrontEnd(spec)
    return [_read(audio[name], tables[name], front_end, label_columns, codes) for name in sorted(tables)]


def _read(
    audio: Path, table: Path, front_end: FrontEnd, label_columns: Sequence[str], codes: Mapping[str, str] | None
) -> AnnotatedSoundscape:
    annotations = read_raven_table(table, label_columns, codes)
    try:
        duration_s = audio_duration_s(audio)
    except DecodeError as error:
        raise SourceError(f"{audio}: {error}") from error
    late = next((one for one in annotations if one.end_s > duration_s + _ROUNDING_S), None)
    if late is not None:
        raise SchemaError(
            f"{table}: column 'End Time (s)': a call of {late.code!r} ends at {late.end_s:g} s, {audio.name} after "
            f"{duration_s:g} s"
        )
    site, start = site_and_time(audio.name)
    return AnnotatedSoundscape(
        name=escaped(audio.stem),
        site=site,
        start=datetime.fromisoformat(start) if start else None,
        sample_rate_hz=front_end.spec.sample_rate_hz,
        duration_s=duration_s,
        annotations=tuple(annotations),
        background=audio.name,
        has_real_background=True,
        waveform=partial(_waveform, front_end, audio),
    )


def _waveform(front_end: FrontEnd, audio: Path) -> NDArray[np.int16]:
    try:
        return front_end.waveform(audio)
    except DecodeError as error:
        raise SourceError(f"the soundscape {audio} cannot be used: {error}") from error


def _write_audio(waveform: NDArray[np.int16], sample_rate_hz: int, path: Path, audio_format: str) -> None:
    subtype = "VORBIS" if audio_format == "ogg" else "PCM_16"
    with soundfile.SoundFile(
        path, "w", samplerate=sample_rate_hz, channels=1, format=audio_format.upper(), subtype=subtype
    ) as sound:
        # libsndfile crashes when a long OGG is written in one call.
        for begin in range(0, len(waveform), sample_rate_hz):
            sound.write(waveform[begin : begin + sample_rate_hz])
