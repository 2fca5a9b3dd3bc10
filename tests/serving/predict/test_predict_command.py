"""`silencio predict FILE... --bundle|--url`."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import pytest

from serving.access.keys import add_key
from serving.client import BusyError, Client, RefusedRecordingError, RetryPolicy
from serving.local import LocalServers, local_servers
from silencio.__main__ import main
from silencio.bundle import Scorer
from silencio.data.raven import read_raven_table
from silencio.detections.formats import FORMATS
from silencio.errors import ServingError
from tests.waiting import HANG_S

Make = Callable[..., bytes]


@pytest.fixture
def files(tmp_path: Path, recording: Make) -> list[str]:
    paths = []
    for name, duration_s in (("a.ogg", 4.0), ("b.ogg", 11.0)):
        (tmp_path / name).write_bytes(recording(duration_s))
        paths.append(str(tmp_path / name))
    return paths


@pytest.fixture(params=["offline", "by url"])
def backend(request: pytest.FixtureRequest, servers: LocalServers, bundle_directory: Path) -> list[str]:
    return ["--bundle", str(bundle_directory)] if request.param == "offline" else ["--url", servers.url]


def test_predict__json_is_one_object_a_file(
    backend: list[str], files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *files, *backend, "--format", "json", "--top-k", "2"]) == 0
    printed = capsys.readouterr()
    records = [json.loads(line) for line in printed.out.splitlines()]
    assert [record["file"] for record in records] == files
    assert [len(record["windows"]) for record in records] == [1, 3]
    assert list(records[0]) == ["file", "windows", "detections", "duration_s", "hop_s", "notes", "bundle_version"]
    window = records[1]["windows"][2]
    assert (window["start_s"], window["end_s"], len(window["species"])) == (6.0, 11.0, 2)
    names = ["code", "scientific_name", "common_name", "class_name"]
    assert list(window["species"][0]) == [
        *names,
        "probability",
        "raw_probability",
        "passes_threshold",
        "dropped_by",
    ]
    assert list(records[1]["detections"][0]) == ["start_s", "end_s", *names, "probability"]
    assert [record["duration_s"] for record in records] == [4.0, 11.0]
    assert printed.err == ""


@pytest.mark.parametrize("output_format", ["json", "csv", "raven", "audacity", "birdclef", "table"])
def test_predict__offline_and_by_url_give_identical_numbers(
    servers: LocalServers,
    bundle_directory: Path,
    files: list[str],
    output_format: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rest = [*files, "--format", output_format, "--top-k", "all"]
    assert main(["predict", "--bundle", str(bundle_directory), *rest]) == 0
    offline = capsys.readouterr().out
    assert offline.count("\n") >= len(files)
    assert main(["predict", "--url", servers.url, *rest]) == 0
    assert capsys.readouterr().out == offline


def test_predict__by_url_is_what_the_server_itself_writes(
    servers: LocalServers, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for output_format in ("csv", "raven", "audacity", "birdclef"):
        assert main(["predict", files[1], "--url", servers.url, "--format", output_format]) == 0
        answer = httpx.post(
            f"{servers.url}/v1/models/silencio:predict",
            params={"format": output_format, "name": files[1]},
            content=Path(files[1]).read_bytes(),
            headers={"Content-Type": "audio/ogg"},
            trust_env=False,
            timeout=HANG_S,
        )
        assert answer.headers["content-type"] == FORMATS[output_format].media_type
        assert answer.text == capsys.readouterr().out


def test_predict__birdclef_has_all_classes_whatever_k(
    backend: list[str], files: list[str], scorer: Scorer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", files[1], *backend, "--format", "birdclef", "--top-k", "1"]) == 0
    header, *rows = csv.reader(capsys.readouterr().out.splitlines())
    assert header == ["row_id", *scorer.bundle.manifest.classes.codes]
    assert [row[0] for row in rows] == ["b_5", "b_10", "b_15"]
    written = np.array([row[1:] for row in rows], np.float32)
    np.testing.assert_allclose(written, scorer(Path(files[1])).probabilities, atol=1e-5)


def test_predict__out_writes_a_file_a_recording(
    backend: list[str], files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tables" / "new"
    (tmp_path / "text.ogg").write_text("no audio")
    wrong = str(tmp_path / "text.ogg")
    assert main(["predict", wrong, *files, *backend, "--format", "raven", "--out", str(out)]) == 1
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in out.iterdir()) == ["a.Table.1.selections.txt", "b.Table.1.selections.txt"]
    # The second file's times begin at its own start, and end where its sound ends.
    calls = read_raven_table(out / "b.Table.1.selections.txt")
    assert calls[0].begin_s < 5.0
    assert all(one.end_s <= 11.0 for one in calls)


def test_predict__out_that_would_lose_a_file(
    backend: list[str], files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "a.wav"
    other.write_bytes(Path(files[0]).read_bytes())
    out = tmp_path / "out"
    assert main(["predict", *files, str(other), *backend, "--format", "csv", "--out", str(out)]) == 1
    assert f"error: --out: {files[0]} and {other} would both be written to {out / 'a.csv'}" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--out", "x"], "error: --out: a table is for the terminal"),
        (["--latitude", "6.76"], "error: --latitude and --longitude are needed together"),
        (["--site-list", "x.csv"], "error: --latitude and --longitude are needed: without a place"),
        (["--format", "csv", "--out", "/proc/nowhere"], "error: /proc/nowhere/a.csv cannot be written: "),
    ],
)
def test_predict__options_that_do_not_fit(
    more: list[str], message: str, bundle_directory: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", files[0], "--bundle", str(bundle_directory), *more]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    "more",
    [
        ["--latitude", "91", "--longitude", "0"],
        ["--latitude", "0", "--longitude", "nan"],
        ["--recorded-at", "yesterday"],
        ["--format", "xml"],
        ["--site-list", "x.csv", "--birdnet-range"],
    ],
)
def test_predict__values_that_are_none(more: list[str], files: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["predict", *files, "--url", "http://127.0.0.1:9", *more])
    assert caught.value.code == 2


def test_predict__a_server_has_its_own_site_list(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--latitude", "0", "--longitude", "0", "--site-list", "x.csv"]
    assert main(["predict", *files, "--url", "http://127.0.0.1:9", *place]) == 1
    assert "a server has its own" in capsys.readouterr().err


SITE_LIST = """code,first_week,last_week,latitude,longitude,radius_km
963335,,,6.76,-74.21,20
grekis,1,20,,,
ramsul,,,,,
"""


@dataclass(frozen=True)
class Reserve:
    """Servers with a species list that let in a key that may ask once a second, and a rare one that may ask once."""

    servers: LocalServers
    site_list: Path
    key_file: Path
    rare_key: str


@pytest.fixture(scope="module")
def reserve(bundle_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reserve]:
    folder = tmp_path_factory.mktemp("reserve")
    site_list, keys, key_file = folder / "species.csv", folder / "keys", folder / "key.txt"
    site_list.write_text(SITE_LIST, encoding="utf-8")
    key = add_key(keys, "phone", requests_per_minute=60.0, burst=1)
    key_file.write_text(f"{key}\n", encoding="utf-8")
    # Once, and again after an hour and a half: whoever asks twice is refused, however slow the machine is.
    rare_key = add_key(keys, "rare", requests_per_minute=0.01, burst=1)
    options = ["--site_list", str(site_list), "--keys", str(keys)]
    with local_servers(bundle_directory, transformer_options=options, start_timeout_s=HANG_S) as servers:
        yield Reserve(servers, site_list, key_file, rare_key)


PLACE = ["--latitude", "6.80", "--longitude", "-74.20", "--recorded-at"]


@pytest.mark.parametrize(
    ("day", "dropped_by"), [("2026-05-08T05:40:00-05:00", None), ("2026-06-01T05:40:00-05:00", "season")]
)
def test_predict__place_and_season_offline_and_by_url(
    reserve: Reserve,
    bundle_directory: Path,
    files: list[str],
    day: str,
    dropped_by: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rest = [*files, *PLACE, day, "--format", "json", "--top-k", "all"]
    offline = ["--bundle", str(bundle_directory), "--site-list", str(reserve.site_list)]
    assert main(["predict", *rest, *offline]) == 0
    printed = capsys.readouterr()
    assert "1 of 3 rows name species that the bundle does not know: ramsul" in printed.err
    # The second question has to wait for the quota.
    assert main(["predict", *rest, "--url", reserve.servers.url, "--api-key-file", str(reserve.key_file)]) == 0
    assert capsys.readouterr().out == printed.out
    first = json.loads(printed.out.splitlines()[0])
    found = {one["code"]: one for one in first["windows"][0]["species"]}
    # The only one that passes its threshold without a word on place and season.
    assert found["grekis"]["raw_probability"] > 0.5
    assert found["grekis"]["dropped_by"] == dropped_by
    assert found["grekis"]["probability"] == (0.0 if dropped_by else found["grekis"]["raw_probability"])
    assert found["eurbla"]["probability"] == 0.0
    assert found["963335"]["probability"] == found["963335"]["raw_probability"]
    assert bool(first["detections"]) == (dropped_by is None)


def test_predict__without_a_place_the_list_changes_nothing(
    reserve: Reserve, bundle_directory: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rest = [files[0], "--format", "json", "--top-k", "all"]
    assert main(["predict", *rest, "--bundle", str(bundle_directory)]) == 0
    offline = capsys.readouterr().out
    assert main(["predict", *rest, "--url", reserve.servers.url, "--api-key-file", str(reserve.key_file)]) == 0
    assert capsys.readouterr().out == offline


def test_predict__a_place_beyond_every_site_is_said(
    reserve: Reserve, bundle_directory: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--latitude", "52.5", "--longitude", "13.4", "--site-list", str(reserve.site_list)]
    assert main(["predict", files[0], "--bundle", str(bundle_directory), *place, "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert "the place is in no site's radius" in printed.err
    species = json.loads(printed.out)["windows"][0]["species"]
    assert all(one["probability"] == one["raw_probability"] for one in species)


def test_predict__the_key_from_the_environment(
    reserve: Reserve, files: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["predict", files[0], "--url", reserve.servers.url]
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith("error: an API key is needed")
    monkeypatch.setenv("SILENCIO_API_KEY", reserve.key_file.read_text().strip())
    assert main(arguments) == 0


def test_predict__a_key_file_that_is_none(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "two").write_text("one\ntwo\n")
    for name, message in (("nowhere", "cannot be read"), ("empty", "is empty"), ("two", "must be one line")):
        rest = ["--url", "http://127.0.0.1:9", "--api-key-file", str(tmp_path / name)]
        assert main(["predict", *files, *rest]) == 1
        assert message in capsys.readouterr().err


def test_client__without_patience_a_quota_is_an_error_that_says_when(reserve: Reserve, files: list[str]) -> None:
    encoded = Path(files[0]).read_bytes()
    with Client(reserve.servers.url, HANG_S, api_key=reserve.rare_key) as client:
        client.predict(encoded, top_k=1)
        with pytest.raises(BusyError) as caught:
            client.predict(encoded, top_k=1)
    assert "may send 0.01 requests a minute" in str(caught.value)
    assert 0 < caught.value.retry_after_s <= 6_000


def test_predict__table_names_species_and_times(
    backend: list[str], files: list[str], scorer: Scorer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", files[1], *backend, "--top-k", "all"]) == 0
    printed = capsys.readouterr().out
    assert "b.ogg" in printed
    assert all(time in printed for time in ("0:00-0:05", "0:05-0:10", "0:06-0:11"))
    for one in scorer.bundle.manifest.classes:
        assert one.common_name in printed
        assert one.scientific_name in printed


def test_predict__a_file_that_cannot_be_used_leaves_the_others(
    backend: list[str], files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.ogg").write_text("no audio")
    wrong = [str(tmp_path / "text.ogg"), str(tmp_path / "nowhere.ogg"), str(tmp_path)]
    assert main(["predict", files[0], *wrong, files[1], *backend, "--format", "json"]) == 1
    printed = capsys.readouterr()
    assert [json.loads(line)["file"] for line in printed.out.splitlines()] == files
    lines = printed.err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == wrong
    assert "not audio that can be decoded" in lines[0]
    assert "No such file" in lines[1]
    assert "directory" in lines[2]


def test_predict__no_server_there(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *files, "--url", "http://127.0.0.1:9"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: http://127.0.0.1:9 does not answer")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://"])
def test_predict__an_address_that_is_none(url: str, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *files, "--url", url]) == 1
    assert "is no address of a server" in capsys.readouterr().err


def test_predict__no_bundle_there(tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *files, "--bundle", str(tmp_path)]) == 1
    assert "is no bundle" in capsys.readouterr().err


@pytest.mark.parametrize("top_k", ["0", "-1", "most", "1.5"])
def test_predict__top_k_that_is_none(top_k: str, files: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", *files, "--url", "http://127.0.0.1:9", "--top-k", top_k])


@pytest.fixture
def proxy() -> Iterator[Callable[..., str]]:
    """The address of something that stands where Silencio should be, and says what it was told to."""
    answers: list[tuple[int, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, retry_after, text = answers.pop(0)
            self.send_response(status)
            self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def reply_with(*several: tuple[int, str, str]) -> str:
            answers[:] = several
            return f"http://127.0.0.1:{server.server_port}"

        yield reply_with
        server.shutdown()
        thread.join()


REPLY = json.dumps({"predictions": [{"windows": [], "detections": [], "duration_s": 1.0}]})
BUSY = json.dumps({"error": "too much is under way"})


def test_client__asks_again_when_it_is_told_to(proxy: Callable[..., str], pauses: list[float]) -> None:
    url = proxy((503, "0.2", BUSY), (429, "Sat, 21 Nov 2026 18:00:00 GMT", BUSY), (200, "", REPLY))
    with Client(url, HANG_S, retry=RetryPolicy(HANG_S, first_backoff_s=0.0)) as client:
        assert client.predict(b"sound").duration_s == 1.0
    # A date is not worth reading: a second.
    assert pauses == [0.2, 1.0]


def test_client__patience_ends(proxy: Callable[..., str]) -> None:
    url = proxy((503, "0.2", BUSY), (503, "3600", BUSY))
    with (
        Client(url, HANG_S, retry=RetryPolicy(HANG_S)) as client,
        pytest.raises(BusyError, match="^too much is under way$") as caught,
    ):
        client.predict(b"sound")
    assert caught.value.retry_after_s == 3600.0


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        ((502, "", "<html>Bad gateway</html>"), ServingError, "answers 502 Bad Gateway"),
        ((401, "", '{"error": "the API key is not known here"}'), ServingError, "the API key is not known here"),
        ((413, "", '{"error": "the body is larger"}'), RefusedRecordingError, "the body is larger"),
        ((200, "", "<html>Log in</html>"), ServingError, "answers something that Silencio does not: '<html>"),
        ((200, "", "[]"), ServingError, "answers something that Silencio does not"),
        ((200, "", '{"predictions": []}'), ServingError, "answers something that Silencio does not"),
        ((200, "", REPLY.replace("windows", "panes")), ServingError, "answers something that Silencio does not"),
    ],
)
def test_client__what_is_no_answer(
    proxy: Callable[..., str], answer: tuple[int, str, str], kind: type[ServingError], message: str
) -> None:
    with Client(proxy(answer), HANG_S) as client, pytest.raises(ServingError, match=message) as caught:
        client.predict(b"sound")
    assert type(caught.value) is kind


def test_client__says_what_it_knows(servers: LocalServers, files: list[str], expected: Callable[..., object]) -> None:
    encoded = Path(files[1]).read_bytes()
    with Client(servers.url, HANG_S) as client:
        document = client.predict(
            encoded,
            2,
            latitude=6.76,
            longitude=-74.21,
            recorded_at=datetime(2026, 5, 8, 5, 40, tzinfo=UTC),
            session_id="walk-12",
            name="dawn.ogg",
            priority="batch",
        )
    assert document.model_dump() == expected(encoded, 2)


def test_predict__what_comes_through_a_pipe_is_a_recording_too(
    bundle_directory: Path, recording: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe.ogg"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(recording(6.0),))
    writer.start()
    assert main(["predict", str(pipe), "--bundle", str(bundle_directory), "--format", "json"]) == 0
    writer.join()
    assert json.loads(capsys.readouterr().out)["duration_s"] == 6.0
