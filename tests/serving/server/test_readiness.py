"""A server is ready with the very bundle that was exported, or says why it is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import onnx
import pytest
from onnx import numpy_helper

from serving.local import LocalServers, local_servers
from serving.local.server_process import Readiness, ServerProcess
from serving.predictor.model import Predictor
from silencio.bundle import Bundle, BundleManifest, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import ServingError
from silencio.network import free_ports
from silencio.storage import sha256_of
from tests.waiting import HANG_S, until

ROUTE = "/v1/models/silencio:predict"


def _reseal(directory: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change bundle.json as somebody would who knows every hash in it."""
    path = directory / "bundle.json"
    content = json.loads(path.read_text())
    change(content)
    manifest = BundleManifest.model_validate(content)
    hashes = {"spec_sha256": manifest.spec.sha256, "classes_sha256": manifest.classes.sha256}
    path.write_text(manifest.model_copy(update=hashes).sealed().model_dump_json())


def _swap_two_classes(directory: Path) -> None:
    _reseal(directory, lambda content: content["classes"]["species"].reverse())


def _change_a_mel_parameter(directory: Path) -> None:
    _reseal(directory, lambda content: content["spec"].update(f_min_hz=60.0))


def _change_one_byte_of_the_graph(directory: Path) -> None:
    content = bytearray((directory / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (directory / "model.onnx").write_bytes(content)


def _alter_one_weight(directory: Path) -> None:
    """In the graph, and the graph's hash in bundle.json with it: only the replay can tell."""
    model = onnx.load(directory / "model.onnx")
    weights = next(one for one in model.graph.initializer if one.name == "band_weights")
    values = numpy_helper.to_array(weights).copy()
    values[7, 1] += 0.01
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(model, directory / "model.onnx")
    _reseal(directory, lambda content: content["files"].update({"model.onnx": sha256_of(directory / "model.onnx")}))


BROKEN: dict[Callable[[Path], None], str] = {
    _swap_two_classes: "parity.npz was exported for another class list",
    _change_a_mel_parameter: "a mel parameter was changed",
    _change_one_byte_of_the_graph: "model.onnx was changed",
}


def _start(module: str, bundle: Path, log: Path, *arguments: str, grpc_port: int = 0) -> ServerProcess:
    rest_port, free_port = free_ports(2)
    ports = ["--http_port", str(rest_port), "--grpc_port", str(grpc_port or free_port)]
    return ServerProcess.start(
        module, ["--bundle", str(bundle), *ports, *arguments], f"http://127.0.0.1:{rest_port}", log
    )


@pytest.fixture(scope="module")
def refusing(
    bundle_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[Any, str], ServerProcess]]:
    """The transformer with each broken bundle, and both with an altered weight; started together for their seconds."""
    started: dict[tuple[Any, str], ServerProcess] = {}
    try:
        for damage in (*BROKEN, _alter_one_weight):
            directory = Path(shutil.copytree(bundle_directory, tmp_path_factory.mktemp("broken") / "bundle"))
            damage(directory)
            grpc_port = free_ports(1)[0]
            requests = ["--predictor_host", f"127.0.0.1:{grpc_port}"]
            log = directory.parent / "transformer.log"
            started[damage, "serving.transformer"] = _start("serving.transformer", directory, log, *requests)
            if damage is _alter_one_weight:
                log = directory.parent / "predictor.log"
                started[damage, "serving.predictor"] = _start("serving.predictor", directory, log, grpc_port=grpc_port)
        yield started
    finally:
        for server in started.values():
            server.request_stop()
        for server in started.values():
            server.wait_until_stopped()
    for server in started.values():
        server.check_end()


def _settled(server: ServerProcess) -> Readiness:
    """Its readiness as soon as that is more than a wish."""

    def settled() -> Readiness | None:
        assert server.exit_code() is None, server.last_lines()
        state = server.readiness()
        return state if state.ready or state.reason.startswith("refused: ") else None

    found = until(settled, server.last_lines)
    assert found
    return found


def _check_refused(server: ServerProcess, reason: str) -> None:
    """It lives, says why it is not ready on every route that is asked, and in one line of its log."""
    state = _settled(server)
    assert not state.ready
    assert reason in state.reason
    lines_of_the_reason = [line for line in server.log.read_text().splitlines() if "not ready: refused: " in line]
    assert len(lines_of_the_reason) == 1
    assert reason in lines_of_the_reason[0]
    with httpx.Client(base_url=server.url, trust_env=False, timeout=HANG_S) as client:
        assert client.get("/v2/health/live").status_code == 200
        assert client.get("/v2/health/ready").status_code == 503
        assert client.get("/v1/models/silencio").status_code == 503
        assert client.post(ROUTE, content=b"x", headers={"Content-Type": "audio/ogg"}).status_code == 503


@pytest.mark.parametrize("damage", BROKEN)
def test_transformer__stays_not_ready_with_a_broken_bundle_and_says_why(
    refusing: dict[tuple[Any, str], ServerProcess], damage: Callable[[Path], None]
) -> None:
    _check_refused(refusing[damage, "serving.transformer"], BROKEN[damage])


@pytest.mark.parametrize("damage", BROKEN)
def test_predictor__does_not_load_a_broken_bundle_and_says_why(
    bundle_directory: Path, damage: Callable[[Path], None], server_log: Callable[[], list[str]], tmp_path: Path
) -> None:
    """That it then lives and answers so, the one with an altered weight shows."""
    directory = Path(shutil.copytree(bundle_directory, tmp_path / "bundle"))
    damage(directory)
    predictor = Predictor("silencio", directory)
    assert not predictor.load()
    assert not predictor.ready
    assert predictor.reason.startswith("refused: ") and BROKEN[damage] in predictor.reason
    assert server_log() == [f"silencio: not ready: {predictor.reason}"]


def test_predictor__stays_not_ready_with_one_altered_weight_under_a_right_hash(
    refusing: dict[tuple[Any, str], ServerProcess],
) -> None:
    _check_refused(refusing[_alter_one_weight, "serving.predictor"], "probabilities differ by ")


def test_transformer__is_not_ready_when_its_predictor_is_not(
    refusing: dict[tuple[Any, str], ServerProcess], recording: Callable[..., bytes]
) -> None:
    """This transformer's own checks pass: a weight is no matter of its."""
    _settled(refusing[_alter_one_weight, "serving.predictor"])
    transformer = refusing[_alter_one_weight, "serving.transformer"]

    def says_why() -> bool:
        assert transformer.exit_code() is None, transformer.last_lines()
        return "the predictor is not ready: refused: clip " in transformer.readiness().reason

    until(says_why, transformer.readiness)
    assert "probabilities differ by " in transformer.readiness().reason
    with httpx.Client(base_url=transformer.url, trust_env=False, timeout=HANG_S) as client:
        assert client.get("/v2/health/live").status_code == 200
        assert client.get("/v2/health/ready").status_code == 503
        answer = client.post(ROUTE, content=recording(), headers={"Content-Type": "audio/ogg"})
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


def test_local_servers__a_port_that_is_taken(servers: LocalServers, bundle_directory: Path) -> None:
    port = int(servers.url.rpartition(":")[2])
    with (
        pytest.raises(ServingError, match=rf"cannot listen on 127\.0\.0\.1 port {port}"),
        local_servers(bundle_directory, port=port),
    ):
        pass


def test_local_servers__listen_on_loopback_only(servers: LocalServers) -> None:
    """The SDK's own servers listen on every address."""
    listening = "".join(Path(f"/proc/net/{family}").read_text() for family in ("tcp", "tcp6"))
    ports = {int(server.url.rpartition(":")[2]) for server in servers.both}
    arguments = servers.predictor.process.args
    assert isinstance(arguments, list)
    ports.add(int(arguments[arguments.index("--grpc_port") + 1]))
    rows = [line.split() for line in listening.splitlines() if " 0A " in line]
    found = {int(row[1].rpartition(":")[2], 16): row[1].rpartition(":")[0] for row in rows}
    # 127.0.0.1, by itself or in IPv6's notation.
    assert {found[port] for port in ports} <= {"0100007F", "0000000000000000FFFF00000100007F"}


@pytest.mark.survival
def test_transformer__without_its_predictor_is_503_and_recovers(
    tmp_path: Path, recording: Callable[..., bytes]
) -> None:
    directory = write_placeholder_bundle(tmp_path / "bundle", inputs=["log_mel"])
    scorer = Scorer(Bundle(directory))
    encoded, headers = recording(6.0), {"Content-Type": "audio/ogg"}
    with (
        local_servers(directory, start_timeout_s=HANG_S) as servers,
        httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S) as client,
    ):
        # The predictor refuses what it does not need: this bundle's graph is sent no waveform.
        answer = client.post(ROUTE, content=encoded, headers=headers)
        got = [one["species"][0]["probability"] for one in answer.json()["predictions"][0]["windows"]]
        assert got == pytest.approx(list(scorer(encoded).probabilities.max(axis=1)), abs=1e-6)

        servers.predictor.process.kill()
        servers.predictor.process.wait()
        answer = client.post(ROUTE, content=encoded, headers=headers)
        assert answer.status_code == 503
        assert answer.json() == {"error": "the predictor is not available; try again"}
        assert answer.headers["Retry-After"] == "1"
        assert client.get("/v2/health/live").status_code == 200
        ready = client.get("/v2/models/silencio/ready")
        assert ready.status_code == 503
        assert "does not answer" in ready.json()["error"]
        assert client.get("/v2/health/ready").status_code == 503
        with pytest.raises(ServingError, match="the predictor ended by itself"):
            servers.check_alive()

        arguments = servers.predictor.process.args
        assert isinstance(arguments, list)
        again = ServerProcess.start(
            "serving.predictor", arguments[3:-1], servers.predictor.url, tmp_path / "predictor.log"
        )
        try:
            assert _settled(again).ready
            until(lambda: client.get("/v2/health/ready").status_code == 200, servers.transformer.last_lines)
            assert client.post(ROUTE, content=encoded, headers=headers).status_code == 200
        finally:
            again.stop()
    assert all(server.exit_code() is not None for server in servers.both)


def test_local_servers__a_folder_without_a_bundle_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"is no bundle: it holds no bundle\.json"), local_servers(tmp_path):
        pass
