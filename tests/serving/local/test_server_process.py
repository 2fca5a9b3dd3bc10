"""How servers end: in order, whoever stops them, and a code that says so."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from kserve import ModelRepository

from serving.local import LocalServers, local_servers
from serving.local.server_process import ServerProcess
from serving.server.kserve_patches import ModelServer
from serving.server.protocol import DRAIN_TIMEOUT_S, LOG_CLOSE_TIMEOUT_S, STOP_TIMEOUT_S
from serving.server.start import serve
from serving.transformer import __main__ as transformer
from silencio.errors import ServingError
from silencio.network import free_ports
from tests.waiting import HANG_S, until, until_async

Start = Callable[[str], ServerProcess]


@pytest.fixture
def start(bundle_directory: Path, tmp_path: Path) -> Iterator[Start]:
    """Start one server by its name; a transformer waits for a predictor that never comes."""
    started: list[ServerProcess] = []

    def begin(name: str) -> ServerProcess:
        rest, grpc_port = free_ports(2)
        options = ["--bundle", str(bundle_directory), "--http_port", str(rest), "--grpc_port", str(grpc_port)]
        if name == "transformer":
            options += ["--predictor_host", "127.0.0.1:1", "--enable_grpc", "true"]
        started.append(ServerProcess.start(f"serving.{name}", options, f"http://127.0.0.1:{rest}", tmp_path / "log"))
        return started[-1]

    yield begin
    for one in started:
        if one.exit_code() is None:
            one.process.kill()
            one.process.wait()


# What its log says when: before uvicorn takes signals over (earlier ones are the interpreter's), and when all is there.
_BEGINS, _IS_THERE = "Starting uvicorn", "ready with bundle"


@pytest.mark.parametrize(
    ("name", "number", "when"),
    [
        ("predictor", signal.SIGTERM, _BEGINS),
        pytest.param("transformer", signal.SIGINT, _IS_THERE, marks=pytest.mark.survival),
    ],
)
def test_stop__by_a_signal_is_exit_code_0_whenever_it_comes(
    start: Start, name: str, number: signal.Signals, when: str
) -> None:
    server = start(name)
    until(lambda: when in server.log.read_text(), server.last_lines)
    server.process.send_signal(number)
    assert (server.process.wait(HANG_S), "Fatal" in server.log.read_text()) == (0, False), server.last_lines()


@pytest.mark.survival
def test_stop__when_the_parent_is_gone_is_exit_code_0(start: Start) -> None:
    """A parent that dies closes its end of the pipe."""
    server = start("predictor")
    until(lambda: _IS_THERE in server.log.read_text(), server.last_lines)
    assert server.process.stdin
    server.process.stdin.close()
    assert server.process.wait(HANG_S) == 0, server.last_lines()


def _ends_with(code: int, tmp_path: Path, *, does_end: bool = True) -> ServerProcess:
    """A process of its own, which ends so when it is asked to stop."""
    log = tmp_path / "log"
    log.write_text("its last words")
    module = tmp_path / "odd.py"
    module.write_text(
        "import signal, sys, threading\n"
        f"signal.signal(signal.SIGTERM, lambda *_: sys.exit({code}) if {does_end} else None)\n"
        "open(sys.argv[1], 'w').close()\n"
        "while True: threading.Event().wait()\n"
    )
    return ServerProcess.start("odd", [str(tmp_path / "began")], "http://127.0.0.1:1", log)


@pytest.mark.parametrize("code", [0, 3])
def test_stop__a_server_that_does_not_end_in_order_is_said(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    odd = _ends_with(code, tmp_path)
    until((tmp_path / "began").exists)
    if code:
        with pytest.raises(
            ServingError, match=rf"the odd did not end in order when it was stopped \(exit code {code}\)"
        ):
            odd.stop()
    else:
        odd.stop()


def test_stop__a_server_that_had_to_be_killed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("serving.local.server_process.STOP_TIMEOUT_S", 0.01)
    odd = _ends_with(0, tmp_path, does_end=False)
    until((tmp_path / "began").exists)
    with pytest.raises(ServingError, match=r"the odd was killed: stopped, it did not end within 0.01 s"):
        odd.stop()


class _Server(ServerProcess):
    """Only says what it is asked to do."""

    def __init__(self, name: str, events: list[str]) -> None:
        self.name, self.events = name, events

    def request_stop(self) -> None:
        self.events.append(f"{self.name} asked")

    def wait_until_stopped(self) -> None:
        self.events.append(f"{self.name} ended")

    def check_end(self) -> None:
        self.events.append("checked")


def test_local_servers__the_predictor_is_there_until_the_transformer_has_ended() -> None:
    events: list[str] = []
    LocalServers("", "", _Server("predictor", events), _Server("transformer", events)).stop()
    ends = ["transformer asked", "transformer ended", "predictor asked", "predictor ended"]
    assert events == [*ends, "checked", "checked"]


class _Rest:
    """Ends when it was told to and its last request is answered, as uvicorn does."""

    def __init__(self) -> None:
        self._server = SimpleNamespace(should_exit=False)
        self.is_answered = asyncio.Event()

    async def start(self) -> None:
        await until_async(lambda: self._server.should_exit)
        await self.is_answered.wait()


class _Grpc:
    def __init__(self, rest: _Rest) -> None:
        self._rest = rest
        self._stopped = asyncio.Event()
        self.rest_was_stopped = False

    async def start(self) -> None:
        await self._stopped.wait()

    async def stop(self) -> None:
        self.rest_was_stopped = self._rest._server.should_exit
        self._rest.is_answered.set()
        self._stopped.set()


@pytest.mark.parametrize("ends_first", ["rest", "grpc"])
def test_stop__rest_and_grpc_drain_together(ends_first: str) -> None:
    """The REST side here answers its last request only when gRPC was told to stop."""

    async def serve() -> None:
        server = object.__new__(ModelServer)
        rest = _Rest()
        grpc = _Grpc(rest)
        server._rest_server, server._grpc_server = rest, grpc
        server.servers = [rest.start(), grpc.start()]
        server.registered_models = ModelRepository()
        serving = asyncio.create_task(server._serve())
        if ends_first == "rest":
            server._end(signal.SIGTERM, None)
        else:
            grpc._stopped.set()
        await serving
        assert grpc.rest_was_stopped

    asyncio.run(serve())


def test_stop__what_it_takes_fits_the_grace_period_that_the_documentation_names() -> None:
    document = " ".join((Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8").split())
    assert "log.close(LOG_CLOSE_TIMEOUT_S)" in inspect.getsource(transformer)
    assert "grace_period=DRAIN_TIMEOUT_S" in inspect.getsource(serve)
    assert DRAIN_TIMEOUT_S + LOG_CLOSE_TIMEOUT_S < STOP_TIMEOUT_S
    assert (
        f"have {DRAIN_TIMEOUT_S} s over REST and gRPC at the same time, "
        f"then the prediction log has {LOG_CLOSE_TIMEOUT_S:g}" in document
    )
    assert f"`terminationGracePeriodSeconds: {STOP_TIMEOUT_S:g}`" in document
    # What a hook of a pod takes counts.
    assert f"`sleep {DRAIN_TIMEOUT_S}`" in document
    assert f"then takes `terminationGracePeriodSeconds: {DRAIN_TIMEOUT_S + STOP_TIMEOUT_S:g}`" in document


def test_local_servers__an_end_out_of_order_is_an_error_but_hides_no_other(
    bundle_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def begin(*_: object) -> LocalServers:
        (tmp_path / "began").unlink(missing_ok=True)
        odd = _ends_with(3, tmp_path)
        until((tmp_path / "began").exists)
        return LocalServers("", "", odd, odd)

    monkeypatch.setattr("serving.local.servers._start", begin)
    monkeypatch.setattr("serving.local.servers._wait_until_ready", lambda *_: None)
    with pytest.raises(ServingError, match="did not end in order"), local_servers(bundle_directory):
        pass
    with pytest.raises(KeyError), local_servers(bundle_directory):
        raise KeyError
