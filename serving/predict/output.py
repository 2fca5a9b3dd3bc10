"""Answers of `silencio predict` to the terminal, a pipe or files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path

from serving.predict.formats import JSON, TABLE
from serving.predict.table import recording_table
from silencio.console import Console
from silencio.detections import RecordingDocument
from silencio.detections.formats import FORMATS, ModelFacts, OutputFormat
from silencio.errors import ConfigError, StorageError
from silencio.storage import escaped, is_refused_name, short_name, write_atomically

Answer = tuple[Path, RecordingDocument]
# A server names it with its first answer.
BandHz = Callable[[], tuple[float, float] | None]


def print_answers(answers: Iterable[Answer], output_format: str, band_hz: BandHz) -> None:
    """Print every answer as it comes."""
    if output_format == TABLE:
        _print_tables(answers)
    elif output_format == JSON:
        for file, document in answers:
            _print(_json_line(file, document))
    else:
        _print_text(answers, FORMATS[output_format], band_hz)


def write_answers(
    answers: Iterable[Answer], output_format: str, band_hz: BandHz, folder: Path, files: Sequence[Path]
) -> bool:
    """Write one file a recording, whole or not at all.

    A file is called as its recording is; where that is not UTF-8 or too long for a folder, escaped or shortened.

    Args:
        answers: Documents of `files`; some may be missing.
        output_format: One of the formats that are not for the terminal.
        band_hz: Gives the band that the model uses.
        folder: Folder to write to; made if it is not there.
        files: All recordings, in order.

    Returns:
        Whether all of them were written; a name that the folder's file system does not take costs itself alone.

    Raises:
        ConfigError: Two recordings would be one file, or the format is for the terminal.
        StorageError: The folder cannot be written.
    """
    if output_format == TABLE:
        raise ConfigError("--out: a table is for the terminal, choose another --format")
    paths = _paths(folder, files, ".json" if output_format == JSON else FORMATS[output_format].suffix)
    all_written = True
    for file, document in answers:
        if output_format == JSON:
            text = _json_line(file, document)
        else:
            text = FORMATS[output_format].write([(_text(file), document)], ModelFacts(band_hz()))
        try:
            write_atomically(paths[file], text)
        except StorageError as error:
            if not is_refused_name(error):
                raise
            sys.stderr.write(f"{file}: {error}\n")
            all_written = False
    return all_written


def _paths(folder: Path, files: Sequence[Path], suffix: str) -> dict[Path, Path]:
    paths = {file: folder / short_name(escaped(file.stem), suffix) for file in files}
    taken: dict[Path, Path] = {}
    for file, path in paths.items():
        if path in taken:
            raise ConfigError(f"--out: {taken[path]} and {file} would both be written to {path}: use two folders")
        taken[path] = file
    return paths


def _print_tables(answers: Iterable[Answer]) -> None:
    output = Console()
    for file, document in answers:
        output.print(recording_table(_text(file), document))


def _print_text(answers: Iterable[Answer], output_format: OutputFormat, band_hz: BandHz) -> None:
    rest = iter(answers)
    first = list(_first(rest))
    named = ((_text(file), document) for file, document in chain(first, rest))
    for piece in output_format.pieces(named, ModelFacts(band_hz())):
        _print(piece)


def _first(answers: Iterable[Answer]) -> Iterable[Answer]:
    for answer in answers:
        return [answer]
    return []


def _json_line(file: Path, document: RecordingDocument) -> str:
    return json.dumps({"file": _text(file), **document.model_dump()}, ensure_ascii=False) + "\n"


def _text(file: Path) -> str:
    return escaped(str(file))


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
