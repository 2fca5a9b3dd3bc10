"""Simulated users: what they see of real servers, and what they say of one that misbehaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from serving.cli.simulate import SIMULATIONS
from serving.local import LocalServers
from serving.simulate import command
from serving.simulate.adversarial import ATTACKS
from serving.simulate.recordings import label_counts, recordings_of
from silencio.__main__ import main
from silencio.errors import SourceError
from silencio.network import free_ports
from tests.serving.answering import WELL, Answering, answering
from tests.waiting import HANG_S


def play(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["simulate", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def bad() -> Iterator[Answering]:
    with answering() as server:
        yield server


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four species with one to four recordings, in BirdCLEF's layout."""
    root = tmp_path_factory.mktemp("labelled")
    lines = ["primary_label,filename"]
    for n_recordings, code in enumerate(("grekis", "41970", "22973", "eurbla"), start=1):
        (root / "train_audio" / code).mkdir(parents=True)
        for number in range(n_recordings):
            sound = [0.1 * ((i // 20) % 2) for i in range(32_000)]
            soundfile.write(root / "train_audio" / code / f"{number}.ogg", sound, 32_000)
            lines.append(f"{code},{code}/{number}.ogg")
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    return root


def test_guide__gets_a_window_every_five_seconds(servers: LocalServers, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = play(capsys, "guide", "--url", servers.url, "--seconds", "2.2", "--speed", "10")
    assert code == 0, report["faults"]
    # At once, and then each half second.
    assert 3 <= report["n_requests"] <= 5
    assert report["statuses"] == {"200": report["n_requests"]}
    assert report["n_windows"] == report["n_requests"]
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]
    assert sum(one["n_windows"] for one in report["named"]) == report["n_windows"]


def test_power__sends_minutes(servers: LocalServers, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = play(capsys, "power", "--url", servers.url, "--seconds", "1", "--clients", "2")
    assert code == 0, report["faults"]
    assert report["n_requests"] >= 2
    assert report["n_windows"] == 12 * report["statuses"]["200"]


def test_rare__hunts_what_the_data_have_least_of(
    servers: LocalServers, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = play(
        capsys, "rare", "--url", servers.url, "--seconds", "0.5", "--clients", "1", "--recordings", str(labelled)
    )
    assert code == 0, report["faults"]
    assert [(one["code"], one["n_in_data"]) for one in report["labels"]] == [("grekis", 1)]


def test_adversarial__every_attack_is_withstood(servers: LocalServers, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = play(capsys, "adversarial", "--url", servers.url, "--seconds", "0.1", "--clients", "1")
    assert code == 0, report["faults"]
    assert set(report["by_kind"]) == {attack.what for attack in ATTACKS}
    assert report["by_kind"]["text called OGG"]["statuses"] == {"400": 1}
    assert report["by_kind"]["silence"]["statuses"] == {"200": 1}
    assert httpx.get(f"{servers.url}/v2/models/silencio/ready", trust_env=False, timeout=HANG_S).status_code == 200


def test_mobile__cuts_bodies_and_comes_back(bad: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    bad.default = (200, {"predictions": [{"windows": [{**WELL["predictions"][0]["windows"][0], "end_s": 15.0}]}]}, {})
    bad.answers += [(503, {"error": "later"}, {"Retry-After": "1"})]
    code, report = play(capsys, "mobile", "--url", bad.url, "--seconds", "4", "--speed", "20", "--clients", "3")
    assert code == 0, report["faults"]
    assert report["errors"]["cut by the user"] >= 1
    # The server really saw them begin and end too soon.
    assert 1 <= bad.n_cut <= report["errors"]["cut by the user"]
    assert report["statuses"]["503"] == 1
    assert report["statuses"]["200"] == len(bad.bodies) - 1


def test_mobile__servers_take_it(servers: LocalServers, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = play(capsys, "mobile", "--url", servers.url, "--seconds", "2", "--speed", "20")
    assert code == 0, report["faults"]
    assert report["errors"].keys() <= {"cut by the user", "503"}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((500, {"error": "internal error"}, {}), "500"),
        ((504, b"<html>", {}), "504"),
        ((400, b"<html>", {}), "says nothing in 'error'"),
        ((200, {"predictions": []}, {}), "another shape"),
        ((200, {"predictions": [{"windows": []}]}, {}), "without windows"),
        ((200, {"predictions": [{"windows": [{"start_s": 0, "end_s": 5, "species": []}]}]}, {}), "another shape"),
        ((200, json.loads(json.dumps(WELL).replace("0.75", "1.75")), {}), "a probability of 1.75"),
        ((200, json.loads(json.dumps(WELL).replace('"end_s": 5.0', '"end_s": 2.5')), {}), "end at 2.5 s"),
    ],
)
def test_what_must_never_happen__is_exit_code_1(
    answer: tuple[int, Any, dict[str, str]], fault: str, bad: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    bad.default = answer
    code, report = play(capsys, "guide", "--url", bad.url, "--seconds", "0.2", "--speed", "50")
    assert code == 1
    assert fault in report["faults"][0]


def test_recording_seen_where_none_was__is_a_fault(bad: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = play(capsys, "adversarial", "--url", bad.url, "--seconds", "0.1", "--clients", "1")
    assert code == 1
    assert len(report["faults"]) == sum(attack.refused for attack in ATTACKS)


def test_overload__is_no_fault(bad: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    bad.answers += [(503, {"error": "too much to do"}, {"Retry-After": "1"})]
    code, report = play(capsys, "guide", "--url", bad.url, "--seconds", "0.5", "--speed", "50")
    assert code == 0
    assert report["statuses"]["503"] == 1


def test_nobody_answers__is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    code, report = play(capsys, "guide", "--url", url, "--seconds", "0.1", "--speed", "50")
    assert code == 1
    assert report["faults"] == ["the server answered nothing at all"]
    assert report["statuses"] == {"none": report["n_requests"]}


def test_tables__are_for_people(bad: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "guide", "--url", bad.url, "--seconds", "0.2", "--speed", "50"]) == 0
    shown = capsys.readouterr().out
    assert "5 s of a stream" in shown
    assert "Great Kiskadee" in shown


def test_rare_without_labels__is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "rare", "--url", "http://127.0.0.1:9"]) == 1
    assert "needs labels" in capsys.readouterr().err


def test_recordings__by_table_by_folder_and_without_labels(labelled: Path, tmp_path: Path) -> None:
    assert label_counts(recordings_of(labelled)) == {"grekis": 1, "41970": 2, "22973": 3, "eurbla": 4}
    assert label_counts(recordings_of(labelled / "train_audio")) == label_counts(recordings_of(labelled))
    assert not label_counts(recordings_of(labelled / "train_audio" / "grekis"))
    with pytest.raises(SourceError, match="holds no recording"):
        recordings_of(tmp_path)


def test_command__offers_the_simulations_that_there_are() -> None:
    assert tuple(command.SIMULATIONS) == SIMULATIONS


def test_module__imports_nothing_that_serving_lacks() -> None:
    foreign = ("pandas", "torch", "kfp", "mlflow", "sklearn")
    code = "import sys, serving.simulate.command, serving.stream.commands;"
    code += f"print([name for name in {foreign} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
