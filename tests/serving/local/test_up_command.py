"""`silencio serve`: what a newcomer types, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest

import serving
import silencio
from serving.access.keys import add_key
from silencio.__main__ import main
from tests.serving.authority import Authority
from tests.waiting import HANG_S, is_gone, until

ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (serving, silencio))
}
Up = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Start the command on a free port."""
    # What is killed cannot clean up behind itself.
    environment = ENVIRONMENT | {"TMPDIR": str(tmp_path_factory.mktemp("tmp"))}
    started: list[subprocess.Popen[str]] = []

    def start(bundle: Path, *options: str, folder: Path | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "silencio", "serve", "--bundle", str(bundle), "--port", "0", *options]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=folder))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _welcome(process: subprocess.Popen[str]) -> str:
    """What it prints until it waits."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    raise AssertionError(f"it ended: {lines} {process.stderr and process.stderr.read()}")


def _children(pid: int) -> dict[str, int]:
    """Its servers by name."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    commands = {int(one): Path(f"/proc/{one}/cmdline").read_text().split("\0") for one in pids}
    return {words[2].rpartition(".")[2]: one for one, words in commands.items() if words[1:2] == ["-m"]}


def _check_limit(url: str, welcome: str, max_body_bytes: int) -> None:
    """One number for REST and gRPC."""
    route = f"{url}/v1/models/silencio:predict"
    for n_bytes, status in ((max_body_bytes, 400), (max_body_bytes + 1, 413)):
        assert httpx.post(route, content=bytes(n_bytes), trust_env=False, timeout=HANG_S).status_code == status
    address = re.search(r"gRPC at ([0-9.:]+)", welcome)
    assert address
    with grpc.insecure_channel(address[1]) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for n_bytes, code in ((max_body_bytes, "INVALID_ARGUMENT"), (max_body_bytes + 1, "RESOURCE_EXHAUSTED")):
            with pytest.raises(grpc.RpcError) as caught:
                infer(bytes(n_bytes), timeout=HANG_S)
            assert caught.value.code().name == code


def _sigterm_ends_all(process: subprocess.Popen[str]) -> None:
    children = _children(process.pid)
    assert set(children) == {"predictor", "transformer"}
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=HANG_S)
    # It looks at how both ended.
    assert (process.returncode, "stopped" in errors) == (0, True), errors
    # It ends after them.
    assert all(is_gone(pid) for pid in children.values())


def _one_server_dies_and_its_log_is_shown(process: subprocess.Popen[str]) -> None:
    children = _children(process.pid)
    os.kill(children["predictor"], signal.SIGKILL)
    _, errors = process.communicate(timeout=HANG_S)
    assert process.returncode == 1
    assert "error: the predictor ended by itself (exit code -9); its last lines:" in errors
    assert "ready with bundle silencio" in errors
    assert all(is_gone(pid) for pid in children.values())


def _somebody_stops_one_server_and_that_is_said(process: subprocess.Popen[str]) -> None:
    os.kill(_children(process.pid)["predictor"], signal.SIGTERM)
    _, errors = process.communicate(timeout=HANG_S)
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith("error: the predictor was stopped by somebody else (exit code 0); ")


def test_up__serves_as_it_was_told_and_sigterm_stops_all(up: Up, bundle_directory: Path) -> None:
    origin = "https://app.example.org"
    options = ["--allow-origin", "http://localhost:3000", "--allow-origin", origin, "--max-body-bytes", "300000"]
    process = up(bundle_directory, *options)
    welcome = _welcome(process)
    url = re.search(r"ready after .* at (http://[0-9.:]+)", welcome)
    assert url
    page = httpx.get(f"{url[1]}/v2/health/live", headers={"Origin": origin}, trust_env=False, timeout=HANG_S)
    assert page.headers["access-control-allow-origin"] == origin
    _check_limit(url[1], welcome, 300_000)
    assert "licence of its answers: Apache-2.0 (random weights, no data)" in welcome

    _sigterm_ends_all(process)


def _printed_commands(welcome: str) -> list[str]:
    return [re.sub(r"^  ", "", one, flags=re.M) for one in re.findall(r"^  \S(?:.*\\\n)*.*$", welcome, re.M)]


class Reader:
    """Who copies printed commands into a plain shell, with a recording and a name of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {name: value for name, value in ENVIRONMENT.items() if "SILENCIO" not in name}
        self._environment |= {"NO_PROXY": "*"}

    def run(self, command: str) -> str:
        typed = re.sub(r"\bFILE\b", "clip.ogg", re.sub(r"\bNAME\b", "ranger", command))
        done = subprocess.run(
            ["sh", "-c", typed], capture_output=True, text=True, env=self._environment, cwd=self._folder
        )
        assert done.returncode == 0, (typed, done)
        return done.stdout

    def export(self, command: str) -> str:
        """For all that is typed afterwards."""
        name = re.match(r"export (\w+)=", command)[1]  # type: ignore[index]  # the test is over without
        self._environment[name] = self.run(f'{command}\nprintf %s "${name}"')
        return self._environment[name]


def _code_of_an_empty_request(welcome: str, key: str, certificate: Path | None) -> str:
    """Of gRPC, at the printed address."""
    address = re.search(r"gRPC at ([^ )]+)\)", welcome)
    assert address
    credentials = certificate and grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(address[1], credentials) if credentials else grpc.insecure_channel(address[1]) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError) as caught:
            infer(b"", timeout=HANG_S, metadata=[("authorization", f"Bearer {key}")] if key else [])
        return str(caught.value.code().name)


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize(
    ("has_keys", "has_tls", "end"),
    [
        pytest.param(
            False,
            False,
            _one_server_dies_and_its_log_is_shown,
            id="no keys-in clear-one server dies",
            marks=pytest.mark.survival,
        ),
        pytest.param(
            False,
            True,
            _somebody_stops_one_server_and_that_is_said,
            id="no keys-TLS-one is stopped",
            marks=pytest.mark.survival,
        ),
        pytest.param(True, False, _sigterm_ends_all, id="keys-in clear-SIGTERM", marks=pytest.mark.survival),
        pytest.param(True, True, _sigterm_ends_all, id="keys-TLS-SIGTERM"),
    ],
)
def test_up__the_printed_commands_work_as_they_are_printed_and_its_end_is_in_order(
    has_keys: bool,
    has_tls: bool,
    end: Callable[[subprocess.Popen[str]], None],
    up: Up,
    bundle_directory: Path,
    recording: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    """What was started takes its seconds: each way of being asked is ended in a way of its own."""
    (tmp_path / "clip.ogg").write_bytes(recording(6.0))
    options: list[str] = []
    if has_keys:
        add_key(tmp_path / "my keys.csv", "somebody", 1000.0, None)
        options += ["--keys", "my keys.csv"]
    if has_tls:
        certificate, key_file = Authority.make(tmp_path, "station").sign("IP:127.0.0.1")
        certificate.rename(tmp_path / "my tls.crt")
        options += ["--tls-cert", "my tls.crt", "--tls-key", key_file.name]
    process = up(bundle_directory, *options, folder=tmp_path)
    welcome, reader = _welcome(process), Reader(tmp_path)
    assert f"at http{'s' if has_tls else ''}://127.0.0.1:" in welcome
    assert "note:" not in welcome
    commands = _printed_commands(welcome)
    key = reader.export(commands.pop(0)) if has_keys else ""
    raw, as_json, as_table = commands
    assert [one.count("SILENCIO_API_KEY") for one in (raw, as_json)] == [has_keys] * 2
    # A new key is known within two seconds.
    until(lambda: "predictions" in reader.run(raw), lambda: reader.run(raw))
    answers = [json.loads(reader.run(one))["predictions"][0]["windows"] for one in (raw, as_json)]
    assert [len(windows) for windows in answers] == [2, 2]
    assert [one["species"][:3] for one in answers[0]] == [one["species"] for one in answers[1]]
    assert "clip.ogg" in reader.run(as_table)
    certificate = tmp_path / "my tls.crt" if has_tls else None
    assert _code_of_an_empty_request(welcome, key, certificate) == "NOT_FOUND"
    if has_keys:
        assert _code_of_an_empty_request(welcome, "", certificate) == "UNAUTHENTICATED"
    end(process)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tls-cert", "a.crt"], "--tls-cert and --tls-key belong together: one is not set"),
        (["--tls-cert", "a.crt", "--tls-key", "a.key"], "TLS certificate a.crt and key a.key cannot be used together"),
        (["--keys", "gone.csv"], "keys file gone.csv cannot be read"),
    ],
)
def test_up__files_that_cannot_be_used_are_one_sentence(
    options: list[str], message: str, bundle_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--bundle", str(bundle_directory), *options]) == 1
    reply = capsys.readouterr().err
    assert reply.startswith(f"error: {message}")
    assert reply.count("\n") == 1


def test_up__an_origin_that_no_page_has_is_one_message(up: Up, bundle_directory: Path) -> None:
    process = up(bundle_directory, "--allow-origin", "https://app.example.org/")
    output, errors = process.communicate(timeout=HANG_S)
    assert (process.returncode, output) == (2, "")
    assert "--allow-origin https://app.example.org/: 'https://app.example.org/' is no origin of web pages" in errors


@pytest.mark.survival
def test_up__a_broken_bundle_is_one_message_and_exit_1(up: Up, bundle_directory: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(bundle_directory, tmp_path / "bundle"))
    (broken / "model.onnx").write_bytes(b"other")
    output, errors = up(broken).communicate(timeout=HANG_S)
    assert output == ""
    assert errors.splitlines()[-1].startswith("error: the predictor does not serve this bundle: refused: model.onnx")
    assert errors.count("refused") == 1


@pytest.mark.survival
def test_up__killed_without_a_word_leaves_nothing_running(up: Up, bundle_directory: Path) -> None:
    process = up(bundle_directory)
    until(lambda: len(_children(process.pid)) == 2)
    children = _children(process.pid)
    process.kill()
    process.wait()
    until(lambda: all(is_gone(pid) for pid in children.values()), lambda: children)
