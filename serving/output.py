"""Answers of `python -m serving predict` to the terminal, a pipe or files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console

from serving.table import recording_table
from silencio.detections import RecordingDocument
from silencio.detections.formats import SUFFIXES, TextFormat, pieces, write
from silencio.errors import ConfigError, StorageError

Format = Literal["table", "json", "csv", "raven", "audacity", "birdclef"]
FORMATS: tuple[Format, ...] = get_args(Format)
Answer = tuple[Path, RecordingDocument]
# A server says it with its first answer.
BandHz = Callable[[], tuple[float, float] | None]

_PIPED_CELLS = 120


def print_answers(answers: Iterable[Answer], output_format: Format, band_hz: BandHz) -> None:
    """Print every answer as it comes."""
    if output_format == "table":
        _print_tables(answers)
    elif output_format == "json":
        for file, document in answers:
            _print(_json_line(file, document))
    else:
        _print_text(answers, output_format, band_hz)


def write_answers(
    answers: Iterable[Answer], output_format: Format, band_hz: BandHz, folder: Path, files: Sequence[Path]
) -> None:
    """Write one file a recording, whole or not at all.

    Args:
        answers: To `files`; some may be missing.
        output_format: Not for the terminal.
        band_hz: What the model hears.
        folder: Where to write; made if it is not there.
        files: All recordings.

    Raises:
        ConfigError: Two recordings would be one file, or the format is for the terminal.
        StorageError: A file cannot be written.
    """
    if output_format == "table":
        raise ConfigError("--out: a table is for the terminal, choose another --format")
    paths = _paths(folder, files, ".json" if output_format == "json" else SUFFIXES[output_format])
    for file, document in answers:
        if output_format == "json":
            text = _json_line(file, document)
        else:
            text = write([(str(file), document)], output_format, band_hz=band_hz())
        path = paths[file]
        unfinished = path.with_name(f".{path.name}.part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def _paths(folder: Path, files: Sequence[Path], suffix: str) -> dict[Path, Path]:
    paths = {file: folder / f"{file.stem}{suffix}" for file in files}
    taken: dict[Path, Path] = {}
    for file, path in paths.items():
        if path in taken:
            raise ConfigError(f"--out: {taken[path]} and {file} would both be written to {path}: use two folders")
        taken[path] = file
    return paths


def _print_tables(answers: Iterable[Answer]) -> None:
    output = Console(highlight=False)
    if not output.is_terminal:
        # A pipe has no width; rich takes 80 cells for it and would break names.
        output.width = max(output.width, _PIPED_CELLS)
    for file, document in answers:
        output.print(recording_table(str(file), document))


def _print_text(answers: Iterable[Answer], text_format: TextFormat, band_hz: BandHz) -> None:
    rest = iter(answers)
    first = list(_first(rest))
    named = ((str(file), document) for file, document in chain(first, rest))
    for piece in pieces(named, text_format, band_hz=band_hz()):
        _print(piece)


def _first(answers: Iterable[Answer]) -> Iterable[Answer]:
    for answer in answers:
        return [answer]
    return []


def _json_line(file: Path, document: RecordingDocument) -> str:
    return json.dumps({"file": str(file), **document.model_dump()}, ensure_ascii=False) + "\n"


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
