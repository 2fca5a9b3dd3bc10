"""Answers as other programs read them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from silencio.data.raven import TABLE_SUFFIX, read_raven_table
from silencio.detections import RecordingDocument
from silencio.detections.formats import FORMATS, ModelFacts
from silencio.errors import ConfigError
from silencio.taxonomy import ClassList

Answer = Callable[..., RecordingDocument]


def write(
    named: Iterable[tuple[str, RecordingDocument]],
    name: str,
    band_hz: tuple[float, float] | None = None,
    codes: Sequence[str] = (),
) -> str:
    return FORMATS[name].write(named, ModelFacts(band_hz, codes))


@pytest.fixture
def two(answer: Answer) -> list[tuple[str, RecordingDocument]]:
    """Seven seconds with a kiskadee all along and a bullfrog at the end; five seconds with a blackbird."""
    long = answer([[0.1, 0.0, 0.2, 0.75], [0.625, 0.0, 0.1, 0.5]], duration_s=7.0)
    return [("field/long.ogg", long), ("short.wav", answer([[0.0, 0.0, 0.875, 0.0]], duration_s=5.0))]


def test_write__csv_has_a_row_a_detection(two: list[tuple[str, RecordingDocument]]) -> None:
    assert write(two, "csv") == (
        "file,start_s,end_s,code,scientific_name,common_name,class_name,probability\n"
        "field/long.ogg,0,7,grekis,Pitangus sulphuratus,Great Kiskadee,Aves,0.750000\n"
        "field/long.ogg,2,7,22973,Lithobates catesbeianus,American Bullfrog,Amphibia,0.625000\n"
        "short.wav,0,5,eurbla,Turdus merula,Eurasian Blackbird,Aves,0.875000\n"
    )


def test_write__csv_quotes_what_needs_it(two: list[tuple[str, RecordingDocument]]) -> None:
    text = write([('a, "b".ogg', two[1][1])], "csv")
    assert next(csv.DictReader(io.StringIO(text)))["file"] == 'a, "b".ogg'


def test_write__raven_is_read_back(two: list[tuple[str, RecordingDocument]], tmp_path: Path) -> None:
    path = tmp_path / f"long{FORMATS['raven'].suffix}"
    path.write_text(write(two[:1], "raven", band_hz=(50.0, 16_000.0)), encoding="utf-8")
    assert path.name.endswith(TABLE_SUFFIX)
    found = [(one.code, one.begin_s, one.end_s, one.low_hz, one.high_hz) for one in read_raven_table(path)]
    assert found == [("grekis", 0.0, 7.0, 50.0, 16_000.0), ("22973", 2.0, 7.0, 50.0, 16_000.0)]


def test_write__raven_without_a_band_has_no_columns_for_it(
    two: list[tuple[str, RecordingDocument]], tmp_path: Path
) -> None:
    path = tmp_path / "table.txt"
    path.write_text(write(two[:1], "raven"), encoding="utf-8")
    assert "Freq" not in path.read_text()
    assert [one.low_hz for one in read_raven_table(path)] == [None, None]


def test_write__raven_without_detections_is_a_table_that_says_so(answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text(write([("quiet.ogg", answer([[0.0, 0.0, 0.0, 0.0]]))], "raven"), encoding="utf-8")
    assert read_raven_table(path) == []


def test_write__raven_counts_through_several_recordings(two: list[tuple[str, RecordingDocument]]) -> None:
    rows = list(csv.DictReader(io.StringIO(write(two, "raven")), delimiter="\t"))
    columns = ("Selection", "Begin Time (s)", "End Time (s)", "Begin File", "File Offset (s)", "Species Code")
    assert [[row[name] for name in columns] for row in rows] == [
        ["1", "0.000000", "7.000000", "long.ogg", "0.000000", "grekis"],
        ["2", "2.000000", "7.000000", "long.ogg", "2.000000", "22973"],
        ["3", "7.000000", "12.000000", "short.wav", "0.000000", "eurbla"],
    ]


def test_write__audacity_is_a_label_track(two: list[tuple[str, RecordingDocument]]) -> None:
    assert write(two, "audacity") == (
        "0.000000\t7.000000\tGreat Kiskadee 0.75\n"
        "2.000000\t7.000000\tAmerican Bullfrog 0.62\n"
        "7.000000\t12.000000\tEurasian Blackbird 0.88\n"
    )


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.994, "0.99"), (0.995, "0.995"), (0.9984, "0.998"), (0.99999, "0.999"), (1.0, "1.00")],
)
def test_write__audacity_says_certain_of_nothing_else(answer: Answer, probability: float, shown: str) -> None:
    label = write([("a.ogg", answer([[probability, 0.0, 0.0, 0.0]]))], "audacity")
    assert f"American Bullfrog {shown}\n" in label


@pytest.mark.parametrize("text_format", ["raven", "audacity"])
def test_write__a_name_breaks_no_line(two: list[tuple[str, RecordingDocument]], text_format: str) -> None:
    plain = write([("short.wav", two[1][1])], text_format)
    assert write([("sho\trt\n.wav", two[1][1])], text_format).count("\n") == plain.count("\n")


def test_write__birdclef_has_a_row_a_window_and_every_class(
    two: list[tuple[str, RecordingDocument]], classes: ClassList
) -> None:
    rows = list(csv.reader(io.StringIO(write(two, "birdclef"))))
    assert rows == [
        ["row_id", *classes.codes],
        ["long_5", "0.100000001", "0", "0.200000003", "0.75"],
        ["long_10", "0.625", "0", "0.100000001", "0.5"],
        ["short_5", "0", "0", "0.875", "0"],
    ]
    assert write(two, "birdclef", codes=classes.codes) == write(two, "birdclef")


@pytest.mark.parametrize("duration_s", [5.01, 7.0, 9.99])
def test_write__birdclef_rows_stand_a_hop_apart_where_the_last_window_was_moved_back(
    answer: Answer, duration_s: float
) -> None:
    # Tables of labels, and of other programs, are joined by `row_id`.
    text = write([("a.ogg", answer([[0.1] * 4, [0.2] * 4], duration_s=duration_s))], "birdclef")
    assert [line.partition(",")[0] for line in text.splitlines()[1:]] == ["a_5", "a_10"]


def test_write__birdclef_of_a_server_that_says_no_hop_takes_the_ends_of_its_windows(answer: Answer) -> None:
    document = answer([[0.1] * 4, [0.2] * 4]).model_copy(update={"hop_s": None})
    text = write([("a.ogg", document)], "birdclef")
    assert [line.partition(",")[0] for line in text.splitlines()[1:]] == ["a_5", "a_10"]


def test_write__birdclef_of_a_shortened_answer_is_refused(answer: Answer, classes: ClassList) -> None:
    shortened = [("a.ogg", answer([[0.9, 0.0, 0.0, 0.1], [0.0, 0.9, 0.0, 0.1]], top_k=1))]
    with pytest.raises(ConfigError, match='a.ogg: the window from 5 s lists 1 species .* ask with top_k "all"'):
        write(shortened, "birdclef")
    with pytest.raises(ConfigError, match="from 0 s lists 1 species where BirdCLEF's rows have 4"):
        write(shortened, "birdclef", codes=classes.codes)


def test_top_k__makes_documents_that_can_be_written(answer: Answer, classes: ClassList) -> None:
    for text_format in FORMATS:
        document = answer([[0.9, 0.8, 0.1, 0.1]], top_k=FORMATS[text_format].top_k)
        text = write([("a.ogg", document)], text_format, codes=classes.codes)
        assert text == write([("a.ogg", answer([[0.9, 0.8, 0.1, 0.1]]))], text_format)


@pytest.mark.parametrize("text_format", FORMATS)
def test_pieces__each_recording_is_written_before_the_next_is_asked_for(
    two: list[tuple[str, RecordingDocument]], text_format: str
) -> None:
    events: list[str] = []

    def answers() -> Iterator[tuple[str, RecordingDocument]]:
        for name, document in two:
            events.append("asked")
            yield name, document

    for piece in FORMATS[text_format].pieces(answers()):
        # What stands before the first recording may come at any time.
        events += ["written"] * bool(events and piece)
    assert events == ["asked", "written", "asked", "written"]


def test_formats__each_has_a_media_type_and_a_suffix() -> None:
    assert list(FORMATS) == ["csv", "raven", "audacity", "birdclef"]
    for name, one in FORMATS.items():
        assert (one.name, one.media_type.partition("/")[0], one.suffix[0]) == (name, "text", ".")
    assert len({one.suffix for one in FORMATS.values()}) == len(FORMATS)


@pytest.mark.parametrize("text_format", FORMATS)
def test_write__is_as_the_documentation_shows_it(text_format: str, answer: Answer) -> None:
    page = (Path(__file__).parents[3] / "docs" / "predict.md").read_text(encoding="utf-8")
    document = answer([[0.0625, 0.0, 0.125, 0.90625], [0.625, 0.0, 0.25, 0.75]], duration_s=7.0)
    text = write([("dawn.ogg", document)], text_format, band_hz=(50.0, 16_000.0))
    assert any(f"```{language}\n{text}```" in page for language in ("csv", "text"))
