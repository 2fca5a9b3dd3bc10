"""Rows of the tables that were made once, so that a season's tables need not be made anew with every recording."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from pydantic import BaseModel

from serving.stream.results_store import Answer
from silencio.detections.documents import DetectionEntry
from silencio.detections.score_tables import ScoreTables, rendered_rows


class _Head(BaseModel):
    """What is kept of an answer before its rows."""

    codes: int
    n_rows: int
    duration_s: float
    detections: list[DetectionEntry]
    notes: list[str]
    bundle_version: str


class KeptRows:
    """Answers as rows, in a file without a name that is gone with this process; a context manager.

    In memory there are a number a recording and the codes of each bundle that answered.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        self._begins: dict[str, int] = {}
        self._codes: dict[tuple[str, ...], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def __contains__(self, file: str) -> bool:
        return file in self._begins

    @property
    def codes(self) -> list[str]:
        """Codes of all answers, sorted."""
        return sorted({code for codes in self._codes for code in codes})

    def keep(self, answer: Answer) -> None:
        """Make an answer's rows."""
        head = _Head(
            codes=self._codes.setdefault(tuple(answer.codes), len(self._codes)),
            n_rows=len(answer.ends_s),
            duration_s=answer.duration_s,
            detections=answer.detections,
            notes=answer.notes,
            bundle_version=answer.bundle_version,
        )
        begin = self._file.seek(0, 2)
        self._file.write(head.model_dump_json().encode() + b"\n")
        for end, values in rendered_rows(answer.ends_s, np.asarray(answer.probabilities, np.float64)):
            self._file.write(f"{end}\t{values}\n".encode())
        self._begins[answer.file] = begin

    def write(self, tables: ScoreTables, names: Mapping[str, str]) -> None:
        """Every answer, by file.

        Args:
            tables: Tables with the columns `codes`.
            names: Row names by file.
        """
        columns = self.codes
        places = {number: _places(codes, columns) for codes, number in self._codes.items()}
        for file, begin in sorted(self._begins.items()):
            self._file.seek(begin)
            head = _Head.model_validate_json(self._file.readline())
            rows = self._rows(head.n_rows, places[head.codes], len(columns))
            facts = head.detections, head.duration_s, head.notes, head.bundle_version
            tables.rendered(file, names[file], rows, *facts)

    def _rows(self, n_rows: int, places: Sequence[int], n_columns: int) -> Iterator[tuple[str, str]]:
        is_in_place = list(places) == list(range(n_columns))
        for _ in range(n_rows):
            end, _, values = self._file.readline().decode().rstrip("\n").partition("\t")
            if not is_in_place:
                cells = [""] * n_columns
                for place, value in zip(places, values.split(","), strict=True):
                    cells[place] = value
                values = ",".join(cells)
            yield end, values


def _places(codes: Sequence[str], columns: Sequence[str]) -> list[int]:
    """Columns of the codes; another bundle may have others."""
    place = {code: number for number, code in enumerate(columns)}
    return [place[code] for code in codes]
