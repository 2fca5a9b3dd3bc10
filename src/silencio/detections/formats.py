"""Output formats: answers as the files that other programs open.

A format is written here and nowhere else: its function, and its line in `FORMATS`. The endpoint's `format`, its OpenAPI
document, the page's menu and the command line's `--format` are made of that table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from silencio.detections.cells import csv_line, file_cell, text_cell
from silencio.detections.documents import DetectionEntry, RecordingDocument, TopK
from silencio.errors import ConfigError

Named = tuple[str, RecordingDocument]


@dataclass(frozen=True)
class ModelFacts:
    """What a format may need to know of the model.

    Attributes:
        band_hz: Lowest and highest frequency that it takes; None: not known.
        codes: Codes of its classes, in the order of its outputs; empty: not known.
    """

    band_hz: tuple[float, float] | None = None
    codes: Sequence[str] = ()


Render = Callable[[Iterable[Named], ModelFacts], Iterator[str]]


@dataclass(frozen=True)
class OutputFormat:
    """A file of another program.

    Attributes:
        name: Name by which it is asked for.
        media_type: Media type of the endpoint's answer.
        suffix: End of a file's name, after the recording's name without its own suffix.
        render: Function from recordings, each with its name, to the text, piece by piece: each recording's as soon as
            it is there.
        top_k: What documents must be made with: 1 where detections are enough, `all` where every class is needed.
        menu_entry: What the page at `/` calls it in its download menu; empty: it is not offered there.
    """

    name: str
    media_type: str
    suffix: str
    render: Render
    top_k: TopK = 1
    menu_entry: str = ""

    def pieces(self, named: Iterable[Named], model: ModelFacts = ModelFacts()) -> Iterator[str]:
        """Write recordings one after the other, each as soon as it is there.

        Names that a spreadsheet would take for formulas are written so that it does not (`silencio.detections.cells`).

        Args:
            named: What each recording is called, and what was found.
            model: Facts of the model that found it.

        Raises:
            ConfigError: A document lists other classes than the format needs: it was not made with `top_k`.
        """
        return self.render(named, model)

    def write(self, named: Iterable[Named], model: ModelFacts = ModelFacts()) -> str:
        """The whole text of `pieces`."""
        return "".join(self.pieces(named, model))


_CSV_HEADER = ["file", "start_s", "end_s", "code", "scientific_name", "common_name", "class_name", "probability"]
_RAVEN_TIMES = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)"]
_RAVEN_BAND = ["Low Freq (Hz)", "High Freq (Hz)"]
_RAVEN_REST = ["Begin File", "File Offset (s)", "Species Code", "Common Name", "Scientific Name", "Confidence"]


def _csv(named: Iterable[Named], model: ModelFacts) -> Iterator[str]:
    """One row a detection."""
    del model
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


def _raven(named: Iterable[Named], model: ModelFacts) -> Iterator[str]:
    """A selection table.

    Of several recordings, times count through as in Raven's sequence of sound files, and `Begin File` and
    `File Offset (s)` say where. A detection has no frequencies of its own: the model's band stands in their columns, or
    there are none.
    """
    frequencies = [f"{edge_hz:.1f}" for edge_hz in model.band_hz or ()]
    yield _tabbed([*_RAVEN_TIMES, *(_RAVEN_BAND if frequencies else ()), *_RAVEN_REST])
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


def _audacity(named: Iterable[Named], model: ModelFacts) -> Iterator[str]:
    """A label track. Of several recordings, times count as in a project where they lie end to end."""
    del model
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


def _birdclef(named: Iterable[Named], model: ModelFacts) -> Iterator[str]:
    """One row a window, one column a class.

    `row_id` is the recording's name without suffix and the second at which the row ends, as in
    `RecordingDocument.row_ends_s`. Where the model's classes are not known, columns are those of the first window,
    sorted.
    """
    is_begun, codes = False, list(model.codes)
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


# In the order in which they are listed to people.
_FORMATS = (
    OutputFormat("csv", "text/csv; charset=utf-8", ".csv", _csv, menu_entry="CSV table"),
    OutputFormat(
        "raven",
        "text/tab-separated-values; charset=utf-8",
        ".Table.1.selections.txt",  # by which Raven finds a table beside its sound
        _raven,
        menu_entry="Raven selection table",
    ),
    OutputFormat("audacity", "text/plain; charset=utf-8", ".labels.txt", _audacity, menu_entry="Audacity labels"),
    OutputFormat("birdclef", "text/csv; charset=utf-8", ".birdclef.csv", _birdclef, top_k="all"),
)
FORMATS: Mapping[str, OutputFormat] = {one.name: one for one in _FORMATS}
