"""Inputs of the consumer that are unlike others: none of them ends a round or holds another up."""

from __future__ import annotations

import csv
import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.stream.consumer import Consumer, ConsumerConfig
from serving.stream.results_store import Answer, Failure, ResultsStore
from silencio.errors import StorageError
from silencio.storage import read_bytes
from tests.disks import disk_of
from tests.s3 import running_s3
from tests.serving.answering import Answering, answering

DEEP = f"{'a' * 90}/{'b' * 90}/SMM215_20240417_053000.ogg"
LONG = f"{'n' * 250}.ogg"  # with `.json` no name of a file
LATIN_1 = os.fsdecode(b"caf\xe9.ogg")


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as one:
        yield one


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    for name in (DEEP, LONG, LATIN_1, "two\nlines.ogg", "zz.ogg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    return tmp_path / "in", tmp_path / "results"


NAMES = [DEEP, LONG, "caf%E9.ogg", "two\nlines.ogg", "zz.ogg"]


def consumer_of(places: tuple[Path, Path], url: str, message: list[str] | None = None, **options: Any) -> Consumer:
    quick = {"every_s": 0.01, "settle_s": 0.0, "give_up_s": 0.0, **options}
    return Consumer(ConsumerConfig(str(places[0]), str(places[1]), url, **quick), (message or []).append)


def files_of(place: Path) -> dict[str, dict[str, str]]:
    with (place / "files.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_long_and_odd_names__are_recordings_like_others(places: tuple[Path, Path], server: Answering) -> None:
    consumer = consumer_of(places, server.url)
    consumer.run(once=True)
    assert {name: row["status"] for name, row in files_of(places[1]).items()} == dict.fromkeys(NAMES, "scored")
    # What a recording is called is the consumer's matter, and limited where it is sent; a recorder's day is sent.
    sent = [json.loads(body)["instances"][0] for body in server.bodies]
    assert all(one.keys() <= {"audio", "session_id", "site_id", "device_id", "recorded_at"} for one in sent)
    assert all(len(one.get("session_id", "")) <= 200 for one in sent)


def test_long_and_odd_names__are_not_asked_for_again(places: tuple[Path, Path], server: Answering) -> None:
    consumer_of(places, server.url).run(once=True)
    n_sent = len(server.bodies)
    again = consumer_of(places, server.url)
    assert again.results.answered == set(NAMES)
    again.run(once=True)
    assert len(server.bodies) == n_sent
    assert set(files_of(places[1])) == set(NAMES)


def test_long_name__that_is_refused_is_kept_as_a_failure(places: tuple[Path, Path], server: Answering) -> None:
    server.default = (400, {"error": "not audio"}, {})
    consumer_of(places, server.url).run(once=True)
    again = consumer_of(places, server.url)
    assert {name: one.reason for name, one in again.results.failures.items()} == dict.fromkeys(NAMES, "not audio")
    server.default = Answering().default
    (places[0] / LONG).write_bytes(b"another recording")
    os.utime(places[0] / LONG, ns=(1, 1))
    again.run(once=True)
    last = consumer_of(places, server.url)
    assert last.results.answered == {LONG}
    assert set(last.results.failures) == set(NAMES) - {LONG}


def test_results_store__uses_the_inputs_own_name_where_it_can(tmp_path: Path) -> None:
    results = ResultsStore(str(tmp_path))
    for file in ("site/a.ogg", LONG):
        results.add_failure(Failure(file=file, version="1", reason="not audio"))
    names = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "failures").rglob("*.json"))
    assert names[1] == "failures/site/a.ogg.json"
    assert len(names[0]) == len("failures/.json") + 64
    assert set(ResultsStore(str(tmp_path)).failures) == {"site/a.ogg", LONG}


def test_results_store__an_input_called_as_another_ones_entry(tmp_path: Path) -> None:
    """`a.ogg.json` is the entry of `a.ogg`, and can be a folder of the source."""
    results = ResultsStore(str(tmp_path))
    for file in ("a.ogg", "a.ogg.json/b.ogg"):
        results.add_failure(Failure(file=file, version="1", reason="not audio"))
    assert set(ResultsStore(str(tmp_path)).failures) == {"a.ogg", "a.ogg.json/b.ogg"}


def test_results_store__in_s3_takes_names_that_are_too_long_for_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    place = running_s3().use(monkeypatch).new_place()
    file = "/".join(["d" * 120] * 9) + "/a.ogg"
    answer = Answer(file=file, version="1", duration_s=1.0, codes=[], ends_s=[], probabilities=[], detections=[])
    ResultsStore(place).add_answer(answer)
    results = ResultsStore(place)
    assert results.answered == {file}
    assert results.answer(file) == answer


def test_input_that_cannot_be_read__is_told_of_once_and_holds_no_other_up(
    places: tuple[Path, Path], server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(uri: str) -> bytes:
        if uri.endswith("zz.ogg"):
            raise StorageError(f"{uri} cannot be read: Permission denied") from PermissionError(13, "", uri)
        return read_bytes(uri)

    monkeypatch.setattr("serving.stream.consumer.read_bytes", refusing)
    message: list[str] = []
    consumer = consumer_of(places, server.url)
    consumer.report = message.append
    consumer.run(once=True)
    consumer.run(once=True)
    rows = files_of(places[1])
    assert {name: row["status"] for name, row in rows.items()} == dict.fromkeys(NAMES, "scored") | {"zz.ogg": "waiting"}
    assert "Permission denied" in rows["zz.ogg"]["reason"]
    assert len([text for text in message if "left for later" in text]) == 1


def test_folder_that_cannot_be_listed__holds_no_other_up(
    places: tuple[Path, Path], server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places[0] / "lost+found").mkdir()
    scandir: Callable[[Any], Any] = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("lost+found"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    consumer_of(places, server.url).run(once=True)
    rows = files_of(places[1])
    assert rows["lost+found/"]["status"] == "waiting"
    assert "cannot be listed: Permission denied" in rows["lost+found/"]["reason"]
    assert [row["status"] for name, row in rows.items() if name != "lost+found/"] == ["scored"] * len(NAMES)


def test_full_disk__stops_and_is_no_recordings_failure(
    places: tuple[Path, Path], server: Answering, tmp_path: Path
) -> None:
    with disk_of("8k", tmp_path / "disk") as disk:
        (disk / "full").write_bytes(b"x" * 8192)
        consumer = consumer_of((places[0], disk), server.url)
        with pytest.raises(StorageError, match="no space left on"):
            consumer.run(once=True)
        assert not consumer.results.failures
        assert not [path for path in disk.rglob("*") if path.is_file() and path.name != "full"]
