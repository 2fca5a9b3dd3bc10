"""Producer and consumer, with both servers as real processes: every recording is scored once, whatever happens."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import soundfile

from serving.local import LocalServers, local_servers
from serving.server.recorder_ids import RecorderIds
from serving.simulate.recordings import recordings_of
from serving.stream.consumer import Consumer, ConsumerConfig, session_of
from serving.stream.producer import ProducerConfig, produce
from serving.stream.results_store import Failure, ResultsStore
from silencio.__main__ import main
from silencio.bundle import Scorer
from silencio.data.raven import read_raven_table
from silencio.errors import StorageError
from silencio.network import free_ports
from silencio.storage import list_objects, read_bytes, write_bytes
from silencio.storage.parquet import read_parquet
from tests.s3 import running_s3
from tests.serving.answering import Answering, answering
from tests.serving.trap import TRAP_HZ, Trap, set_trap
from tests.waiting import HANG_S, until

Recording = Callable[..., bytes]
ROOT = str(Path(__file__).parents[3])
STEMS = ["H01_20250411_050000", "H01_20250411_050100"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "silencio", *arguments]


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode())))


def tables_of(place: str) -> tuple[Counter[str], dict[str, dict[str, str]]]:
    """How often each row is there, and what became of each file."""
    rows = Counter(row["row_id"] for row in rows_of(read_bytes(f"{place}/birdclef.csv")))
    files = rows_of(read_bytes(f"{place}/files.csv"))
    assert len({row["file"] for row in files}) == len(files)
    return rows, {row["file"]: row for row in files}


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "in").mkdir()
    return tmp_path / "in", tmp_path / "results"


def consumer_of(places: tuple[Path, Path], url: str, **options: float) -> Consumer:
    quick = {"every_s": 0.05, "settle_s": 0.05, "give_up_s": HANG_S, **options}
    return Consumer(ConsumerConfig(str(places[0]), str(places[1]), url, **quick))  # type: ignore[arg-type]


def test_consumer__scores_each_and_says_what_the_scorer_says(
    places: tuple[Path, Path], servers: LocalServers, scorer: Scorer, recording: Recording
) -> None:
    (places[0] / "site").mkdir()
    (places[0] / "site" / "H01_20250411_050000.ogg").write_bytes(recording(12.0))
    (places[0] / "short.flac").write_bytes(recording(0.5, "FLAC"))
    (places[0] / "notes.txt").write_text("no recording")
    done = subprocess.run(
        command("consume", "--from", "./in/", "--to", "results", "--url", servers.url, "--once"),
        cwd=places[0].parent,
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 scored, 0 failed, 0 waiting" in done.stdout
    rows, files = tables_of(str(places[1]))
    assert rows == Counter([*(f"H01_20250411_050000_{end}" for end in (5, 10, 15)), "short_5"])
    assert files["site/H01_20250411_050000.ogg"]["duration_s"] == "12.000"
    message = rows_of((places[1] / "birdclef.csv").read_bytes())
    wanted = scorer(places[0] / "site" / "H01_20250411_050000.ogg").probabilities
    codes = scorer.bundle.manifest.classes.codes
    got = [[float(row[code]) for code in codes] for row in message if row["row_id"].startswith("H01")]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)
    table = read_parquet(places[1] / "detections.parquet").to_pylist()
    counted = Counter(row["file"] for row in table)
    assert {name: int(row["n_detections"]) for name, row in files.items()} == {name: counted[name] for name in files}
    assert {row["bundle_version"] for row in [*files.values(), *table]} == {scorer.bundle.manifest.version}


@pytest.mark.survival
def test_killed_consumer__scores_every_file_once(
    places: tuple[Path, Path],
    bundle_directory: Path,
    recording: Recording,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"{number:02d}.ogg" for number in range(24)]
    for name in names:
        (places[0] / name).write_bytes(recording(7.0))
    # Nobody answers for this one until it is let go: the consumer cannot be done before it is killed.
    (places[0] / names[12]).write_bytes(recording(7.0, "WAV", TRAP_HZ))
    trap = set_trap(tmp_path, monkeypatch)
    with local_servers(bundle_directory, start_timeout_s=HANG_S) as servers:
        _check_killed_consumer(places, servers, names, trap)


def _check_killed_consumer(places: tuple[Path, Path], servers: LocalServers, names: list[str], trap: Trap) -> None:
    arguments = ["--from", str(places[0]), "--to", str(places[1]), "--url", servers.url, "--settle-s", "0.1"]
    watching = subprocess.Popen(command("consume", *arguments, "--every-s", "0.2"), stdout=subprocess.PIPE, text=True)
    assert watching.stdout
    # Two are done, and another is being asked for.
    done = [watching.stdout.readline().split(":")[0] for _ in range(2)]
    caught = trap.wait(servers.transformer.last_lines)
    watching.send_signal(signal.SIGKILL)
    watching.wait()
    before = {path: path.stat().st_mtime_ns for path in (places[1] / "answers").glob("[!.]*.json")}
    assert {f"{name}.json" for name in done} <= {path.name for path in before}
    assert len(before) < len(names)
    trap.disarm()
    trap.let_go(caught)
    assert subprocess.run(command("consume", *arguments, "--once"), check=False).returncode == 0
    # What was done is not asked for again.
    assert {path: path.stat().st_mtime_ns for path in before} == before
    rows, files = tables_of(str(places[1]))
    assert rows == Counter(f"{name[:2]}_{end}" for name in names for end in (5, 10))
    assert {row["status"] for row in files.values()} == {"scored"}
    assert sorted(files) == names


def test_what_is_still_written__is_left_alone(
    places: tuple[Path, Path], servers: LocalServers, recording: Recording
) -> None:
    encoded = recording(6.0)
    (places[0] / ".hidden.ogg").write_bytes(encoded)
    (places[0] / "copied.ogg.part").write_bytes(encoded)
    for folder in ("$RECYCLE.BIN", "@eaDir"):
        (places[0] / folder).mkdir()
        (places[0] / folder / "deleted.ogg").write_bytes(encoded)
    growing = places[0] / "growing.ogg"
    growing.write_bytes(encoded[:100])
    consumer = consumer_of(places, servers.url, settle_s=0.3)
    for n_bytes in (1_000, 2_000, len(encoded)):
        consumer._round()
        growing.write_bytes(encoded[:n_bytes])
    consumer._round()
    assert not consumer.results.answered
    assert not consumer.results.failures
    assert "still being written" in consumer.waiting["growing.ogg"]
    consumer.run(once=True)
    assert consumer.results.answered == {"growing.ogg"}
    assert sorted(tables_of(str(places[1]))[0]) == ["growing_10", "growing_5"]


def test_refused_recording__is_listed_and_not_asked_again_until_it_is_another(
    places: tuple[Path, Path], servers: LocalServers, recording: Recording
) -> None:
    broken = places[0] / "broken.ogg"
    broken.write_bytes(b"no recording at all")
    consumer_of(places, servers.url).run(once=True)
    assert "not audio" in tables_of(str(places[1]))[1]["broken.ogg"]["reason"]
    written = (places[1] / "failures" / "broken.ogg.json").stat().st_mtime_ns
    consumer_of(places, servers.url).run(once=True)
    assert (places[1] / "failures" / "broken.ogg.json").stat().st_mtime_ns == written
    broken.write_bytes(recording(4.0))
    # Another recording that nobody could be asked about is waiting, and no failure.
    consumer_of(places, f"http://127.0.0.1:{free_ports(1)[0]}", give_up_s=0.0).run(once=True)
    assert tables_of(str(places[1]))[1]["broken.ogg"]["status"] == "waiting"
    consumer_of(places, servers.url).run(once=True)
    rows, files = tables_of(str(places[1]))
    assert (files["broken.ogg"]["status"], rows) == ("scored", Counter(["broken_5"]))


@pytest.fixture
def busy() -> Iterator[Answering]:
    with answering() as server:
        yield server


def test_busy_server__is_asked_again_when_it_says(places: tuple[Path, Path], busy: Answering) -> None:
    (places[0] / "a.ogg").write_bytes(b"anything")
    busy.answers += [(503, {"error": "later"}, {"Retry-After": "1"}), (503, {"error": "later"}, {})]
    consumer_of(places, busy.url, give_up_s=HANG_S).run(once=True)
    assert tables_of(str(places[1]))[0] == Counter(["a_5"])
    assert len(busy.received_s) == 3
    assert busy.received_s[1] - busy.received_s[0] >= 1.0
    body = json.loads(busy.bodies[0])
    assert body["parameters"] == {"top_k": "all", "priority": "batch", "truncated": "note"}


@pytest.mark.parametrize(
    ("name", "session_id"),
    [
        ("H02_20230420_074000.ogg", "H02/2023-04-20"),
        ("card 3/H02_20230420_235900.wav", "card 3/H02/2023-04-20"),
        # AudioMoth names no site: its folder tells recorders apart.
        ("north/20230420_074000.WAV", "north/2023-04-20"),
        ("20230420_074000.WAV", "2023-04-20"),
        ("dawn.ogg", None),
        (f"{'x' * 200}/20230420_074000.WAV", None),
        ("a\nb/20230420_074000.WAV", None),
    ],
)
def test_session__is_a_recorders_day(name: str, session_id: str | None) -> None:
    assert session_of(name) == session_id


def test_session__is_sent_with_each_recording(places: tuple[Path, Path], busy: Answering) -> None:
    for name in ("H02_20230420_074000.ogg", "H02_20230420_075000.ogg", "dawn.ogg"):
        (places[0] / name).write_bytes(name.encode())
    consumer_of(places, busy.url).run(once=True)
    sent = [headers.get("x-session-id") for headers in busy.headers]
    assert Counter(sent) == {"H02/2023-04-20": 2, None: 1}


def test_recorder_and_time__are_sent_with_each_recording(places: tuple[Path, Path], busy: Answering) -> None:
    (places[0] / "north").mkdir()
    for name in ("north/H02_20230420_074000.ogg", "north/H02_20230420_075000Z.ogg", "dawn.ogg"):
        (places[0] / name).write_bytes(name.encode())
    consumer_of(places, busy.url, recorder=RecorderIds(device_id="")).run(once=True)
    consumer_of((places[0], places[1] / "again"), busy.url, recorder=RecorderIds("south", "A7")).run(once=True)
    instances = [json.loads(body)["instances"][0] for body in busy.bodies]
    sent = [tuple(one.get(name) for name in ("site_id", "device_id", "recorded_at")) for one in instances]
    known = ["2023-04-20T07:40:00", "2023-04-20T07:50:00+00:00"]
    assert set(sent[:3]) == {*(("north", "H02", moment) for moment in known), (None, None, None)}
    assert set(sent[3:]) == {("south", "A7", moment) for moment in (*known, None)}


def test_time__of_a_name_without_a_zone_is_by_the_recorders_clock(places: tuple[Path, Path], busy: Answering) -> None:
    for name in ("H02_20230420_054000.ogg", "H02_20230420_075000Z.ogg"):
        (places[0] / name).write_bytes(name.encode())
    consumer_of(places, busy.url, zone=ZoneInfo("America/Bogota")).run(once=True)
    sent = {json.loads(body)["instances"][0]["recorded_at"] for body in busy.bodies}
    assert sent == {"2023-04-20T05:40:00-05:00", "2023-04-20T07:50:00+00:00"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "America"])
def test_zone__that_there_is_not_is_one_sentence(
    places: tuple[Path, Path], zone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--from", str(places[0]), "--to", str(places[1]), "--url", "http://127.0.0.1:9", "--once", "--zone", zone)
    assert main(["consume", *words]) != 0
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"'{zone}' is no time zone: give a name like America/Bogota" in told


def test_server_that_fails_on_one__holds_no_other_up(places: tuple[Path, Path], busy: Answering) -> None:
    for name in ("a", "b", "c"):
        (places[0] / f"{name}.ogg").write_bytes(name.encode())
    busy.fails_on = b"YQ=="  # a, in base64
    consumer = consumer_of(places, busy.url, give_up_s=0.1, n_clients=1)
    consumer.run(once=True)
    _, files = tables_of(str(places[1]))
    assert {name: row["status"] for name, row in files.items()} == {
        "a.ogg": "waiting",
        "b.ogg": "scored",
        "c.ogg": "scored",
    }
    busy.fails_on = b""
    consumer_of(places, busy.url).run(once=True)
    assert tables_of(str(places[1]))[1]["a.ogg"]["status"] == "scored"


def test_no_server__is_an_exit_code_and_an_account(places: tuple[Path, Path]) -> None:
    (places[0] / "a.ogg").write_bytes(b"anything")
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    arguments = ["--from", str(places[0]), "--to", str(places[1]), "--url", url, "--once", "--give-up-s", "0.1"]
    done = subprocess.run(command("consume", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "0 scored, 0 failed, 1 waiting" in done.stdout
    assert "does not answer" in tables_of(str(places[1]))[1]["a.ogg"]["reason"]


def test_stopped_consumer__writes_its_tables(places: tuple[Path, Path], busy: Answering) -> None:
    (places[0] / "a.ogg").write_bytes(b"anything")
    arguments = ["--from", str(places[0]), "--to", str(places[1]), "--url", busy.url, "--settle-s", "0"]
    watching = subprocess.Popen(command("consume", *arguments), stdout=subprocess.PIPE, text=True)
    assert watching.stdout
    watching.stdout.readline()
    watching.terminate()
    assert watching.wait(HANG_S) == 0
    assert tables_of(str(places[1]))[0] == Counter(["a_5"])


def test_place_that_is_away__is_waited_for(tmp_path: Path, busy: Answering) -> None:
    message: list[str] = []
    config = ConsumerConfig(str(tmp_path / "in"), str(tmp_path / "results"), busy.url, every_s=0.05, settle_s=0.0)
    consumer = Consumer(config, message.append)
    watching = threading.Thread(target=consumer.run, kwargs={"once": False})
    watching.start()
    try:
        until(lambda: bool(message))
        assert "trying again" in message[0]
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.ogg").write_bytes(b"anything")
        until(lambda: "a.ogg" in consumer.results.answered)
    finally:
        consumer.stop()
        watching.join()
    with pytest.raises(StorageError, match="cannot be listed"):
        Consumer(replace(config, source=str(tmp_path / "nowhere"))).run(once=True)


def test_results_store__other_content_in_its_place_is_an_error(tmp_path: Path) -> None:
    write_bytes(tmp_path / "failures" / "a.ogg.json", b'{"something": "else"}')
    with pytest.raises(StorageError, match=r"a\.ogg\.json is no entry"):
        ResultsStore(str(tmp_path))


def test_results_store__a_failure_counts_for_its_content_alone(tmp_path: Path) -> None:
    ResultsStore(str(tmp_path)).add_failure(Failure(file="x/a.ogg", version="1", reason="not audio"))
    results = ResultsStore(str(tmp_path))
    assert not results.needs("x/a.ogg", "1")
    assert results.needs("x/a.ogg", "2")


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Two species that sing at pitches of their own."""
    time_s = np.arange(3 * 32_000) / 32_000
    for code, pitch_hz in (("grekis", 3_000.0), ("41970", 800.0)):
        (tmp_path / "labelled" / code).mkdir(parents=True)
        song = 0.3 * np.sin(2 * np.pi * pitch_hz * time_s) * (np.sin(2 * np.pi * 3 * time_s) > 0)
        soundfile.write(tmp_path / "labelled" / code / f"{code}.ogg", song, 32_000)
    return tmp_path / "labelled"


def test_s3__from_producer_to_tables(labelled: Path, servers: LocalServers, monkeypatch: pytest.MonkeyPatch) -> None:
    place = running_s3().use(monkeypatch).new_place()
    source, target = f"{place}/in", f"{place}/results"
    config = ProducerConfig(source, site="H01", n_soundscapes=2)
    assert list(produce(recordings_of(labelled), None, config)) == [f"{source}/{stem}.ogg" for stem in STEMS]
    names = [one.uri.removeprefix(f"{source}/") for one in list_objects(source)]
    assert names == sorted(f"{stem}{end}" for stem in STEMS for end in (".Table.1.selections.txt", ".ogg"))
    consume = command("consume", "--from", source, "--to", target, "--url", servers.url)
    watching = subprocess.Popen(consume, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert watching.stdout
    watching.stdout.readline()
    watching.kill()
    watching.wait()
    assert subprocess.run([*consume, "--once"], check=False).returncode == 0
    rows, files = tables_of(target)
    assert rows == Counter(f"{stem}_{end}" for stem in STEMS for end in range(5, 65, 5))
    assert [row["status"] for row in files.values()] == ["scored"] * 2
    assert read_parquet(read_bytes(f"{target}/detections.parquet")).num_rows == sum(
        int(row["n_detections"]) for row in files.values()
    )


def test_producer__annotates_the_calls_that_are_heard(labelled: Path, tmp_path: Path) -> None:
    for folder, max_calls in (("calls", 4), ("again", 4), ("none", 0)):
        config = ProducerConfig(str(tmp_path / folder), n_soundscapes=2, max_calls=max_calls)
        assert len(list(produce(recordings_of(labelled), None, config))) == 2
    audio = sorted((tmp_path / "calls").glob("*.ogg"))
    assert [path.name for path in audio] == ["SIM01_20250411_050000.ogg", "SIM01_20250411_050100.ogg"]
    for path in audio:
        assert soundfile.info(path).frames == 60 * 32_000
        again = tmp_path / "again" / path.name
        np.testing.assert_array_equal(soundfile.read(again)[0], soundfile.read(path)[0])
        calls = read_raven_table(path.with_name(f"{path.stem}.Table.1.selections.txt"))
        assert {one.code for one in calls} == {"grekis", "41970"}
        assert not read_raven_table(tmp_path / "none" / f"{path.stem}.Table.1.selections.txt")
    assert not list((tmp_path / "calls").glob(".*"))


def test_producer__keeps_its_rhythm_until_it_is_stopped(labelled: Path, tmp_path: Path) -> None:
    arguments = ["--recordings", str(labelled), "--every-s", "3600", "--to", str(tmp_path / "out")]
    producing = subprocess.Popen(command("produce", *arguments), stdout=subprocess.PIPE, text=True)
    assert producing.stdout
    producing.stdout.readline()
    producing.terminate()
    assert producing.wait(HANG_S) == 0
    assert len(list((tmp_path / "out").glob("*.ogg"))) == 1


def test_producer__without_labels_is_one_sentence(tmp_path: Path, recording: Recording) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.ogg").write_bytes(recording(2.0))
    arguments = ["--recordings", str(tmp_path / "plain"), "--to", str(tmp_path / "out")]
    done = subprocess.run(command("produce", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no recording with a label" in done.stderr
