"""Three tables about many recordings: BirdCLEF's rows, detections, and what became of every file."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Literal, Self, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from silencio.detections.cells import csv_line, file_cell, text_cell
from silencio.detections.documents import DetectionEntry
from silencio.storage.atomic import writing
from silencio.storage.parquet import read_parquet

ROWS, DETECTIONS, FILES = "birdclef.csv", "detections.parquet", "files.csv"
TABLES = (ROWS, DETECTIONS, FILES)

Status = Literal["scored", "failed", "waiting", "skipped"]

_FILE_COLUMNS = ("file", "status", "reason", "duration_s", "n_windows", "n_detections", "notes", "bundle_version")
_DETECTION_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("code", pa.string()),
        ("scientific_name", pa.string()),
        ("common_name", pa.string()),
        ("class_name", pa.string()),
        ("probability", pa.float64()),
        ("bundle_version", pa.string()),
    ]
)
# What `files.csv` says of a file without rows, after its reason.
_NOTHING = ("", 0, 0, "", "")
# Detections that are written at once: a row group of Parquet must not be tiny.
_BATCH_ROWS = 20_000


def row_names(files: Iterable[str]) -> dict[str, str]:
    """What each file is called in BirdCLEF's `row_id`: its name without suffix, or all of it where two share that.

    Args:
        files: Paths relative to where they were found.
    """
    files = list(files)
    stems = Counter(PurePosixPath(file).stem for file in files)
    return {file: stem if stems[stem := PurePosixPath(file).stem] == 1 else file for file in files}


def rendered_rows(ends_s: Sequence[float], probabilities: NDArray[np.floating]) -> Iterator[tuple[str, str]]:
    """The second at which each window ends and its values with commas, as BirdCLEF's rows have them.

    Args:
        ends_s: Ends of the rows (`RecordingDocument.row_ends_s`).
        probabilities: Shape (n_windows, n_codes); not a number where the server did not know the code.
    """
    for end_s, row in zip(ends_s, probabilities.tolist(), strict=True):
        # Nine digits give back every float32.
        yield f"{end_s:g}", ",".join("" if value != value else f"{value:.9g}" for value in row)  # nan


class ScoreTables:
    """Writes the tables as results come, in memory that does not grow; a context manager.

    Every method raises a `StorageError` where the disk is full, or the place cannot be written to.

    Args:
        directory: Gets `birdclef.csv` (`row_id` and a column a code), `detections.parquet` and `files.csv`.
        codes: Species codes, BirdCLEF's columns.

    Attributes:
        counts: Files by status.
    """

    def __init__(self, directory: Path, codes: Sequence[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._directory = directory
        self._waiting: list[dict[str, object]] = []
        with writing(directory):
            directory.mkdir(parents=True, exist_ok=True)
            self._rows = _text(directory / ROWS)
            self._files = _text(directory / FILES)
            self._parquet = pq.ParquetWriter(directory / DETECTIONS, _DETECTION_SCHEMA, compression="zstd")
        self._write(self._rows, ["row_id", *map(text_cell, codes)])
        self._write(self._files, _FILE_COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # All of them are closed, also when one cannot be.
        with writing(self._directory), contextlib.ExitStack() as open_files:
            for one in (self._files, self._rows, self._parquet):
                open_files.callback(one.close)
            self._flush()

    def scored(
        self,
        file: str,
        row_name: str,
        ends_s: Sequence[float],
        probabilities: NDArray[np.floating],
        detections: Sequence[DetectionEntry],
        duration_s: float,
        notes: Sequence[str] = (),
        bundle_version: str = "",
    ) -> None:
        """One recording's rows.

        Args:
            file: As `files.csv` and the detections name it, but for a formula (`silencio.detections.cells`).
            row_name: As `row_names` says.
            ends_s: Ends of the windows' rows (`RecordingDocument.row_ends_s`).
            probabilities: Shape (n_windows, n_codes); not a number where the server did not know the code.
            detections: Merged detections.
            duration_s: Length of the recording.
            notes: What was odd about it, as sentences.
            bundle_version: Version of the bundle that scored it; empty where that is not known.
        """
        rows = rendered_rows(ends_s, probabilities)
        self.rendered(file, row_name, rows, detections, duration_s, notes, bundle_version)

    def rendered(
        self,
        file: str,
        row_name: str,
        rows: Iterable[tuple[str, str]],
        detections: Sequence[DetectionEntry],
        duration_s: float,
        notes: Sequence[str] = (),
        bundle_version: str = "",
    ) -> None:
        """`scored`, of rows whose numbers are text already.

        Args:
            file: As in `scored`, and so are the others.
            row_name: As `row_names` says.
            rows: As `rendered_rows` gives them.
            detections: Merged detections.
            duration_s: Length of the recording.
            notes: What was odd about it, as sentences.
            bundle_version: As in `scored`.
        """
        # As the file is called, which alone may be a formula where all of this is none: `-2/3` and `-2/3_5`.
        row_name = file_cell(row_name)
        n_windows = 0
        for end, values in rows:
            self._rows.write(f"{csv_line([file_cell(f'{row_name}_{end}')])[:-1]},{values}\n")
            n_windows += 1
        # Parquet has no formulas; but whoever joins the tables by `file` finds one name in all of them.
        named = file_cell(file)
        self._waiting += [{"file": named, **one.model_dump(), "bundle_version": bundle_version} for one in detections]
        if len(self._waiting) >= _BATCH_ROWS:
            self._flush()
        counts = f"{duration_s:.3f}", n_windows, len(detections)
        self._file(file, "scored", "", *counts, "; ".join(notes), bundle_version)

    def not_scored(self, file: str, status: Status, reason: str) -> None:
        """A recording without rows, and why."""
        self._file(file, status, reason, *_NOTHING)

    def _file(self, file: str, status: str, *rest: object) -> None:
        self.counts[status] += 1
        self._write(self._files, _cells(file, status, *rest))

    def _flush(self) -> None:
        if self._waiting:
            with writing(self._directory / DETECTIONS):
                self._parquet.write_table(pa.Table.from_pylist(self._waiting, schema=_DETECTION_SCHEMA))
            self._waiting = []

    @staticmethod
    def _write(file: TextIO, row: Sequence[object]) -> None:
        with writing(Path(file.name)):
            file.write(csv_line(row))


def _cells(file: str, *rest: object) -> list[object]:
    return [file_cell(file), *(text_cell(one) if isinstance(one, str) else one for one in rest)]


def _text(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="")


def joined(parts: Sequence[Path], directory: Path) -> None:
    """Put the tables of several folders one after the other.

    Raises:
        StorageError: The disk is full, or the place cannot be written to.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        _join(parts, directory)


def _join(parts: Sequence[Path], directory: Path) -> None:
    for name in (ROWS, FILES):
        with _text(directory / name) as whole:
            for number, part in enumerate(parts):
                with (part / name).open(encoding="utf-8", newline="") as one:
                    header = one.readline()
                    whole.writelines([header] if number == 0 else [])
                    whole.writelines(one)
    with pq.ParquetWriter(directory / DETECTIONS, _DETECTION_SCHEMA, compression="zstd") as parquet:
        for part in parts:
            parquet.write_table(read_parquet(part / DETECTIONS))


def append_files(directory: Path, rows: Iterable[tuple[str, Status, str]]) -> None:
    """Add files that were not scored to `files.csv`: name, status and reason of each."""
    with writing(directory / FILES), (directory / FILES).open("a", encoding="utf-8", newline="") as file:
        file.writelines(csv_line(_cells(*row, *_NOTHING)) for row in rows)
