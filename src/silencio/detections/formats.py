"""Answers as the files that other programs open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Literal

from silencio.detections.cells import csv_line, file_cell, text_cell
from silencio.detections.documents import DetectionEntry, RecordingDocument, TopK
from silencio.errors import ConfigError

TextFormat = Literal["csv", "raven", "audacity", "birdclef"]

MEDIA_TYPES: dict[TextFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "raven": "text/tab-separated-values; charset=utf-8",
    "audacity": "text/plain; charset=utf-8",
    "birdclef": "text/csv; charset=utf-8",
}
# After a recording's name without its own suffix; Raven's is the one by which Raven finds a table beside its sound.
SUFFIXES: dict[TextFormat, str] = {
    "csv": ".csv",
    "raven": ".Table.1.selections.txt",
    "audacity": ".labels.txt",
    "birdclef": ".birdclef.csv",
}

Named = tuple[str, RecordingDocument]

_CSV_HEADER = ["file", "start_s", "end_s", "code", "scientific_name", "common_name", "class_name", "probability"]
_RAVEN_TIMES = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)"]
_RAVEN_BAND = ["Low Freq (Hz)", "High Freq (Hz)"]
_RAVEN_REST = ["Begin File", "File Offset (s)", "Species Code", "Common Name", "Scientific Name", "Confidence"]


def needed_top_k(text_format: TextFormat) -> TopK:
    """What documents must be made with: a row of BirdCLEF has every class, the others need detections alone."""
    return "all" if text_format == "birdclef" else 1


def write(
    named: Iterable[Named],
    text_format: TextFormat,
    *,
    band_hz: tuple[float, float] | None = None,
    codes: Sequence[str] | None = None,
) -> str:
    """The whole text of `pieces`."""
    return "".join(pieces(named, text_format, band_hz=band_hz, codes=codes))


def pieces(
    named: Iterable[Named],
    text_format: TextFormat,
    *,
    band_hz: tuple[float, float] | None = None,
    codes: Sequence[str] | None = None,
) -> Iterator[str]:
    """Write recordings one after the other, each as soon as it is there.

    - `csv`: one row a detection.
    - `raven`: a selection table. Of several recordings, times count through as in Raven's sequence of sound files, and
      `Begin File` and `File Offset (s)` say where.
    - `audacity`: a label track. Of several recordings, times count as in a project where they lie end to end.
    - `birdclef`: one row a window, `row_id` being the recording's name without suffix and the second at which the
      row ends (`RecordingDocument.row_ends_s`), one column a code.

    Names that a spreadsheet would take for formulas are written so that it does not (`silencio.detections.cells`).

    Args:
        named: What each recording is called, and what was found.
        text_format: Format of the text.
        band_hz: Lowest and highest frequency that the model hears, for Raven: a detection has no frequencies of its
            own. Without it the table has no columns for them.
        codes: BirdCLEF's columns; by default those of the first window, sorted.

    Raises:
        ConfigError: `birdclef`, and a window lists other codes: it was not made with `needed_top_k`.
    """
    if text_format == "csv":
        return _csv(named)
    if text_format == "birdclef":
        return _birdclef(named, list(codes or ()))
    if text_format == "raven":
        return _raven(named, band_hz or ())
    return _audacity(named)


def _csv(named: Iterable[Named]) -> Iterator[str]:
    yield _rows([_CSV_HEADER])
    for name, document in named:
        yield _rows(
            [
                file_cell(name),
                _seconds(one.start_s),
                _seconds(one.end_s),
                *map(text_cell, _names(one)),
                f"{one.probability:.6f}",
            ]
            for one in document.detections
        )


def _raven(named: Iterable[Named], band_hz: Sequence[float]) -> Iterator[str]:
    frequencies = [f"{edge_hz:.1f}" for edge_hz in band_hz]
    yield _tabbed([*_RAVEN_TIMES, *(_RAVEN_BAND if band_hz else ()), *_RAVEN_REST])
    number = 0
    for offset_s, name, document in _end_to_end(named):
        text = ""
        for one in document.detections:
            number += 1
            times = [f"{offset_s + one.start_s:.6f}", f"{offset_s + one.end_s:.6f}"]
            where = [file_cell(PurePath(name).name), f"{one.start_s:.6f}"]
            what = [one.code, one.common_name, one.scientific_name, f"{one.probability:.6f}"]
            text += _tabbed([str(number), "Spectrogram 1", "1", *times, *frequencies, *where, *what])
        yield text


def _short(probability: float) -> str:
    """Two digits; three where two would say certain of what is not."""
    return f"{probability:.2f}" if not 0.995 <= probability < 1 else f"{min(probability, 0.999):.3f}"


def _audacity(named: Iterable[Named]) -> Iterator[str]:
    for offset_s, _, document in _end_to_end(named):
        yield "".join(
            _tabbed(
                [
                    f"{offset_s + one.start_s:.6f}",
                    f"{offset_s + one.end_s:.6f}",
                    f"{one.common_name or one.scientific_name or one.code} {_short(one.probability)}",
                ]
            )
            for one in document.detections
        )


def _birdclef(named: Iterable[Named], codes: list[str]) -> Iterator[str]:
    is_begun = False
    for name, document in named:
        rows: list[Sequence[str]] = []
        for window, row_end_s in zip(document.windows, document.row_ends_s, strict=True):
            probabilities = {one.code: one.probability for one in window.species}
            codes = codes or sorted(probabilities)
            if probabilities.keys() != set(codes):
                raise ConfigError(
                    f"{name}: the window from {window.start_s:g} s lists {len(probabilities)} species where BirdCLEF's "
                    f'rows have {len(codes)}: ask with top_k "all"'
                )
            if not is_begun:
                rows.append(["row_id", *map(text_cell, codes)])
                is_begun = True
            # Nine digits give back every float32.
            values = [f"{probabilities[code]:.9g}" for code in codes]
            rows.append([file_cell(f"{PurePath(name).stem}_{row_end_s:g}"), *values])
        yield _rows(rows)


def _end_to_end(named: Iterable[Named]) -> Iterator[tuple[float, str, RecordingDocument]]:
    """With the second at which each recording begins."""
    offset_s = 0.0
    for name, document in named:
        yield offset_s, name, document
        ends_s = max((one.end_s for one in document.windows), default=0.0)
        offset_s += ends_s if document.duration_s is None else document.duration_s


def _names(one: DetectionEntry) -> list[str]:
    return [one.code, one.scientific_name, one.common_name, one.class_name]


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "".join(map(csv_line, rows))


def _tabbed(cells: Sequence[str]) -> str:
    """No quoting: neither Raven nor Audacity knows it."""
    return "\t".join(" ".join(cell.split()) for cell in cells) + "\n"
