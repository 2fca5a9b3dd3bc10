"""A season's tables: what is written last is what one writing would have given, and nothing is read or made twice."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from serving.stream import consumer as consumer_module
from serving.stream import kept_rows, results_store
from serving.stream.consumer import Consumer, ConsumerConfig
from serving.stream.results_store import Answer, Failure
from silencio.detections.documents import DetectionEntry
from silencio.detections.score_tables import TABLES, ScoreTables, row_names
from silencio.storage.parquet import read_parquet

N_RECORDINGS = 40
CODES = ["41970", "eurbla", "grekis"]


def _answer(number: int) -> Answer:
    """The later half is another bundle's, which knows other species; names come out of order, and two share a stem."""
    rng = np.random.default_rng(number)
    codes = CODES if number < N_RECORDINGS // 2 else ["22973", "grekis"]
    n_windows = 1 + number % 4
    file = f"site-{number % 3}/{'same' if number < 2 else number * 17 % N_RECORDINGS:}.ogg"
    detection = DetectionEntry(
        start_s=0.0,
        end_s=5.0,
        code=codes[-1],
        scientific_name="Pitangus sulphuratus",
        common_name='Great "Kiskadee", the',
        class_name="Aves",
        probability=0.75,
    )
    return Answer(
        file=file,
        version=str(number),
        duration_s=5.0 * n_windows,
        codes=codes,
        ends_s=[5.0 * (i + 1) for i in range(n_windows)],
        probabilities=rng.random((n_windows, len(codes))).astype(np.float32).tolist(),
        detections=[detection] * (number % 3),
        notes=["the file is cut"] if number == 5 else [],
        bundle_version="old" if number < N_RECORDINGS // 2 else "new",
    )


def _consumer(tmp_path: Path, name: str = "results") -> Consumer:
    return Consumer(ConsumerConfig(str(tmp_path / "in"), str(tmp_path / name), "http://127.0.0.1:9"))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many answers were read from the results store, and how many windows were made rows of."""
    counts: Counter[str] = Counter()
    read, rendered = results_store.read_bytes, kept_rows.rendered_rows

    def reading(uri: str) -> bytes:
        counts["read"] += 1
        return read(uri)

    def rendering(*arguments: object) -> object:
        for row in rendered(*arguments):  # type: ignore[arg-type]
            counts["rendered"] += 1
            yield row

    monkeypatch.setattr(results_store, "read_bytes", reading)
    monkeypatch.setattr(kept_rows, "rendered_rows", rendering)
    return counts


def test_tables__of_a_season_read_and_make_each_answer_once(tmp_path: Path, counted: Counter[str]) -> None:
    consumer = _consumer(tmp_path)
    for number in range(N_RECORDINGS):
        consumer.results.add_answer(_answer(number))
        consumer.write_tables()
    n_windows = sum(len(_answer(number).ends_s) for number in range(N_RECORDINGS))
    assert counted == {"read": N_RECORDINGS, "rendered": n_windows}


def test_tables__written_as_recordings_came_are_those_of_a_restart(tmp_path: Path) -> None:
    consumer = _consumer(tmp_path)
    consumer.results.add_failure(Failure(file="broken.ogg", version="1", reason="not audio"))
    consumer.waiting = {"late.ogg": "it is new"}
    for number in range(N_RECORDINGS):
        consumer.results.add_answer(_answer(number))
        consumer.write_tables()
    grown = {name: (tmp_path / "results" / name).read_bytes() for name in TABLES}
    restarted = _consumer(tmp_path)
    restarted.waiting = consumer.waiting
    restarted.write_tables()
    assert {name: (tmp_path / "results" / name).read_bytes() for name in TABLES} == grown


def test_tables__hold_every_number_in_its_own_column(tmp_path: Path) -> None:
    consumer = _consumer(tmp_path)
    answers = sorted((_answer(number) for number in range(N_RECORDINGS)), key=lambda one: one.file)
    for answer in answers:
        consumer.results.add_answer(answer)
    consumer.write_tables()
    names = row_names(answer.file for answer in answers)
    # As `ScoreTables` writes what it is given at once.
    columns = sorted({code for answer in answers for code in answer.codes})
    with ScoreTables(tmp_path / "wanted", columns) as wanted:
        for answer in answers:
            rows = np.full((len(answer.ends_s), len(columns)), np.nan)
            rows[:, [columns.index(code) for code in answer.codes]] = answer.probabilities
            wanted.scored(
                answer.file,
                names[answer.file],
                answer.ends_s,
                rows,
                answer.detections,
                answer.duration_s,
                answer.notes,
                answer.bundle_version,
            )
    for name in TABLES:
        assert (tmp_path / "results" / name).read_bytes() == (tmp_path / "wanted" / name).read_bytes()
    with (tmp_path / "results" / "birdclef.csv").open(newline="", encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert {code for code, value in first.items() if value == ""} == set(columns) - set(answers[0].codes)


def test_tables__say_which_bundle_scored_each_recording_and_detection(tmp_path: Path) -> None:
    """A bundle was promoted in the middle of the series."""
    consumer = _consumer(tmp_path)
    answers = [_answer(number) for number in range(N_RECORDINGS)]
    for answer in answers:
        consumer.results.add_answer(answer)
    consumer.results.add_failure(Failure(file="broken.ogg", version="1", reason="no audio"))
    consumer.write_tables()
    version = {answer.file: answer.bundle_version for answer in answers} | {"broken.ogg": ""}
    assert set(version.values()) == {"old", "new", ""}
    with (tmp_path / "results" / "files.csv").open(newline="", encoding="utf-8") as file:
        assert {row["file"]: row["bundle_version"] for row in csv.DictReader(file)} == version
    detections = read_parquet(tmp_path / "results" / "detections.parquet").to_pylist()
    assert {row["bundle_version"] for row in detections} == {"old", "new"}
    assert all(row["bundle_version"] == version[row["file"]] for row in detections)


def test_answer__kept_before_answers_named_their_bundle_is_read(tmp_path: Path) -> None:
    kept = json.loads(_answer(0).model_dump_json())
    del kept["bundle_version"]
    assert Answer.model_validate_json(json.dumps(kept)).bundle_version == ""


def test_rows__of_a_name_with_a_comma_stay_one_cell(tmp_path: Path) -> None:
    with ScoreTables(tmp_path, ["a", "b"]) as tables:
        tables.scored('x, "y".ogg', 'x, "y"', [5.0, 10.0], np.array([[0.25, np.nan], [1.0, 0.5]]), [], 10.0)
    with (tmp_path / "birdclef.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [["row_id", "a", "b"], ['x, "y"_5', "0.25", ""], ['x, "y"_10', "1", "0.5"]]


def test_pause__grows_with_what_a_writing_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1_000.0
    monkeypatch.setattr(consumer_module.time, "monotonic", lambda: now_s)
    consumer = _consumer(tmp_path)
    written: list[float] = []
    write = consumer._kept.write

    def slow(*arguments: object) -> None:
        nonlocal now_s
        written.append(now_s)
        write(*arguments)  # type: ignore[arg-type]
        now_s += 30.0

    monkeypatch.setattr(consumer._kept, "write", slow)
    while now_s < 4_000.0:
        consumer._tables_are_old = True
        consumer._write_tables_sometimes()
        now_s += 1.0
    # A minute apart would be half of the time.
    assert written == [1_000.0, 1_630.0, 2_260.0, 2_890.0, 3_520.0]
