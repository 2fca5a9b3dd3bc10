"""`python -m serving predict FILE... --bundle|--url`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.__main__ import main
from serving.local import LocalServers
from silencio.bundle import Scorer

Make = Callable[..., bytes]


@pytest.fixture
def files(tmp_path: Path, recording: Make) -> list[str]:
    paths = []
    for name, duration_s in (("a.ogg", 4.0), ("b.ogg", 11.0)):
        (tmp_path / name).write_bytes(recording(duration_s))
        paths.append(str(tmp_path / name))
    return paths


@pytest.fixture(params=["offline", "by url"])
def way(request: pytest.FixtureRequest, servers: LocalServers, bundle_directory: Path) -> list[str]:
    return ["--bundle", str(bundle_directory)] if request.param == "offline" else ["--url", servers.url]


def test_predict__json_is_one_object_a_file(
    way: list[str], files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *files, *way, "--format", "json", "--top-k", "2"]) == 0
    printed = capsys.readouterr()
    records = [json.loads(line) for line in printed.out.splitlines()]
    assert [record["file"] for record in records] == files
    assert [len(record["windows"]) for record in records] == [1, 3]
    assert list(records[0]) == ["file", "windows"]
    window = records[1]["windows"][2]
    assert (window["start_s"], window["end_s"], len(window["species"])) == (10.0, 15.0, 2)
    assert list(window["species"][0]) == ["code", "scientific_name", "common_name", "class_name", "probability"]
    assert printed.err == ""


def test_predict__offline_and_by_url_give_identical_numbers(
    servers: LocalServers, bundle_directory: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rest = [*files, "--format", "json", "--top-k", "all"]
    assert main(["predict", "--bundle", str(bundle_directory), *rest]) == 0
    offline = capsys.readouterr().out
    assert main(["predict", "--url", servers.url, *rest]) == 0
    assert capsys.readouterr().out == offline


def test_predict__table_names_species_and_times(
    way: list[str], files: list[str], scorer: Scorer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", files[1], *way, "--top-k", "all"]) == 0
    printed = capsys.readouterr().out
    assert "b.ogg" in printed
    assert all(time in printed for time in ("0:00-0:05", "0:05-0:10", "0:10-0:15"))
    for one in scorer.bundle.manifest.classes:
        assert one.common_name in printed
        assert one.scientific_name in printed


def test_predict__a_file_that_cannot_be_used_leaves_the_others(
    way: list[str], files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.ogg").write_text("no audio")
    wrong = [str(tmp_path / "text.ogg"), str(tmp_path / "nowhere.ogg"), str(tmp_path)]
    assert main(["predict", files[0], *wrong, files[1], *way, "--format", "json"]) == 1
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
