"""`silencio serve --canary`: two bundles, HAProxy and Prometheus, for real; how they serve, and how they end."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import grpc
import httpx
import psutil
import pytest

import serving
import silencio
from serving.canary.haproxy_route import HAProxyRoute
from serving.canary.interfaces import ArmName, RouteState
from serving.canary.one_machine_state import MachineState, identity_of
from serving.canary.prometheus_counters import PrometheusCounters
from silencio.__main__ import main
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import CountsUnreadableError, ReleaseRefusedError, RouteError
from silencio.release.evidence import ArmHealth
from silencio.release.record import ReleaseRecord
from tests.serving.authority import Authority
from tests.serving.canary.small_splitter import PREDICT, needs_splitter
from tests.waiting import HANG_S, is_gone, until

ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (serving, silencio))
}
Serve = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def challenger_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_placeholder_bundle(tmp_path_factory.mktemp("challenger"), seed=1)


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    environment = ENVIRONMENT | {"TMPDIR": str(tmp_path_factory.mktemp("tmp"))}
    started: list[subprocess.Popen[str]] = []

    def start(bundle: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "silencio", "serve", "--bundle", str(bundle), "--state-dir", str(folder)]
        command += ["--port", "0", "--scrape-interval-s", "0.5", *options]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _welcome(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    raise AssertionError(f"it ended: {lines} {process.stderr and process.stderr.read()}")


def _release(champion: Path, challenger: Path, release_id: str = "r1") -> ReleaseRecord:
    return ReleaseRecord(
        release_id=release_id,
        champion=identity_of(champion),
        challenger=identity_of(challenger),
        policy={},
        began_at="2026-11-30T07:00:00Z",
    )


def _now_s() -> float:
    """As Prometheus has it."""
    return datetime.now(UTC).timestamp()


def _children(process: subprocess.Popen[str]) -> list[int]:
    return [one.pid for one in psutil.Process(process.pid).children(recursive=True)]


def _arms(url: str, clip: bytes, n_sessions: int, name: str = "s") -> list[tuple[int, str]]:
    with httpx.Client(base_url=url, trust_env=False, timeout=HANG_S, headers={"Content-Type": "audio/ogg"}) as client:
        answers = [
            client.post(PREDICT, content=clip, headers={"X-Session-ID": f"{name}{number}"})
            for number in range(n_sessions)
        ]
    return [(one.status_code, one.headers["x-silencio-arm"]) for one in answers]


def _grpc_arms(address: str, n_sessions: int) -> list[tuple[str, str]]:
    """Code and arm of an empty request of each session: NOT_FOUND where a server answers."""
    found = []
    with grpc.insecure_channel(address) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for number in range(n_sessions):
            with pytest.raises(grpc.RpcError) as caught:
                infer(b"", timeout=HANG_S, metadata=[("x-session-id", f"s{number}")])
            named = (*(caught.value.initial_metadata() or ()), *(caught.value.trailing_metadata() or ()))
            found.append((caught.value.code().name, dict(named).get("x-silencio-arm", "")))
    return found


def _read(counters: PrometheusCounters, arm: str, name: str) -> float:
    try:
        instances = counters.read(_now_s())[arm]  # type: ignore[index]
    except CountsUnreadableError:
        return -1.0
    return sum(one.values.get(name, 0.0) for one in instances.values())


@pytest.mark.release
@needs_splitter
def test_release__by_hand_from_offer_to_rollback_with_a_killed_challenger(
    serve: Serve, bundle_directory: Path, challenger_bundle: Path, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    process = serve(bundle_directory, tmp_path, "--canary", str(challenger_bundle))
    welcome, clip = _welcome(process), recording()
    route, record = HAProxyRoute(tmp_path), _release(bundle_directory, challenger_bundle)
    machine = MachineState.load(tmp_path)
    assert "ready after" in welcome and machine.url in welcome
    state = route.state()
    assert (state.share_percent, state.champion, state.challenger) == (
        0,
        record.champion.manifest_sha256,
        record.challenger.manifest_sha256,
    )
    route.offer(record)
    assert set(_arms(machine.url, clip, 5)) == {(200, "champion")}
    route.set_share(50, expected_generation=route.state().generation)
    answers = _arms(machine.url, clip, 20)
    assert {status for status, _ in answers} == {200}
    of_challenger = sum(arm == "challenger" for _, arm in answers)
    assert 0 < of_challenger < 20

    # A session is drawn alike over gRPC.
    assert _grpc_arms(machine.grpc_address, 20) == [("NOT_FOUND", arm) for _, arm in answers]

    counters = PrometheusCounters.of_machine(tmp_path)
    until(lambda: _read(counters, "challenger", "units") == of_challenger)
    # Five before the share rose; a session over both protocols is one unit.
    assert _read(counters, "champion", "units") == 25 - of_challenger
    assert _read(counters, "challenger", "client_errors") == of_challenger
    health = route.health()
    for arm in ("champion", "challenger"):
        assert health[arm].ready_s is not None  # type: ignore[index]
        assert (health[arm].resident_bytes or 0) > 1 << 20  # type: ignore[index]
        assert health[arm].cpu_s_per_window  # type: ignore[index]

    # A killed challenger: what its visitors got is counted, nobody else stops, and the way back is open.
    for pid in (machine.challenger.transformer_pid, machine.challenger.predictor_pid):
        os.kill(pid or 0, signal.SIGKILL)
    # gRPC's client hides the headers of what HAProxy answers.
    over_grpc = [code for code, _ in _grpc_arms(machine.grpc_address, 20) if code != "NOT_FOUND"]
    assert set(over_grpc) <= {"UNAVAILABLE"}
    until(lambda: MachineState.load(tmp_path).challenger.condition == "ended")
    assert route.health()["challenger"].ready_s is None
    after = _arms(machine.url, clip, 20, "t")
    failed = [status for status, arm in after if arm == "challenger"]
    assert set(failed) <= {502, 503}
    assert {status for status, arm in after if arm == "champion"} == {200}
    # A gRPC call that was cut off while it was computed as well.
    n_failed = len(over_grpc) + len(failed)
    until(lambda: _read(counters, "challenger", "failed_units") >= n_failed)
    assert _read(counters, "challenger", "failed_units") == n_failed
    os.kill(machine.prometheus_pid or 0, signal.SIGKILL)
    route.roll_back(record)
    assert set(_arms(machine.url, clip, 20)) == {(200, "champion")}
    with pytest.raises(CountsUnreadableError):
        counters.read(_now_s())
    # It is offered again by the same machine.
    route.offer(_release(bundle_directory, challenger_bundle, "r2"))
    assert MachineState.load(tmp_path).challenger.is_running

    children = _children(process)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=HANG_S)
    assert (process.returncode, "stopped" in errors) == (0, True), errors
    assert re.search(r"note: challenger: the (predictor|transformer) ended by itself \(exit code -9\)", output)
    assert "note: prometheus ended" in output
    assert all(is_gone(pid) for pid in children)
    with pytest.raises(RouteError, match="does not answer"):
        route.state()


def _seen(route: HAProxyRoute) -> tuple[RouteState, Mapping[ArmName, ArmHealth]] | None:
    with contextlib.suppress(RouteError):
        return route.state(), route.health()
    return None


@pytest.mark.release
@needs_splitter
def test_offer__later_and_promoted_and_started_again(
    serve: Serve, bundle_directory: Path, challenger_bundle: Path, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    """Without --canary at the start; a broken bundle is refused; what was promoted serves after a restart."""
    folder = tmp_path / "state"
    process = serve(bundle_directory, folder, "--splitter")
    _welcome(process)
    route, clip = HAProxyRoute(folder), recording()
    broken = Path(shutil.copytree(challenger_bundle, tmp_path / "broken"))
    (broken / "model.onnx").write_bytes(b"other")
    with pytest.raises(ReleaseRefusedError, match="the challenger is not ready: refused: .*model.onnx"):
        route.offer(_release(bundle_directory, broken))
    record = _release(bundle_directory, challenger_bundle)
    route.offer(record)
    route.promote(record)
    assert set(_arms(MachineState.load(folder).url, clip, 5)) == {(200, "challenger")}
    route.retire(record)
    route.retire(record)
    assert MachineState.load(folder).champion.condition == "retired"
    assert set(_arms(MachineState.load(folder).url, clip, 5)) == {(200, "challenger")}

    # Killed without a word: nothing is left, and the next one serves what was promoted.
    children, before = _children(process), route.state()
    process.kill()
    process.wait()
    until(lambda: all(is_gone(pid) for pid in children), lambda: children)
    again = serve(bundle_directory, folder, "--splitter")
    # Whoever looks while it starts sees nothing, and then what was there before: no other hand, no server that is gone.
    state, health = until(lambda: _seen(route))
    assert (state.generation, health["challenger"].ready_s is not None) == (before.generation, True)
    welcome = _welcome(again)
    assert f"note: {challenger_bundle.resolve()} was promoted and serves all: start it by --bundle" in welcome
    assert set(_arms(MachineState.load(folder).url, clip, 5)) == {(200, "challenger")}
    assert route.state().share_percent == 100
    second = serve(bundle_directory, folder, "--splitter")
    _, errors = second.communicate(timeout=HANG_S)
    assert second.returncode == 1
    assert f"another `silencio serve` runs with the state folder {folder}" in errors


def test_serve__without_haproxy_is_one_sentence_with_the_command(
    bundle_directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("serving.canary.one_machine_tools._OF_DAEMONS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--bundle", str(bundle_directory), "--canary", str(bundle_directory)]) == 1
    reply = capsys.readouterr().err
    assert reply.startswith("error: --canary needs haproxy and prometheus")
    assert "scripts/install_splitter.sh" in reply
    assert reply.count("\n") == 1


def test_serve__half_a_certificate_is_one_sentence(
    bundle_directory: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--canary", str(bundle_directory), "--tls-cert", "a.crt"]
    assert main(["serve", "--bundle", str(bundle_directory), *options]) == 1
    assert "--tls-cert and --tls-key belong together" in capsys.readouterr().err


@needs_splitter
@pytest.mark.release
def test_serve__tls_ends_before_both_arms_and_a_renewed_certificate_is_taken_up(
    serve: Serve, bundle_directory: Path, challenger_bundle: Path, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    folder, clip = tmp_path / "state", recording()
    authorities = [Authority.make(tmp_path, name) for name in ("first", "second")]
    pairs = [one.sign("IP:127.0.0.1") for one in authorities]
    certificate, key = (Path(shutil.copy(path, tmp_path / f"of the server{path.suffix}")) for path in pairs[0])
    options = ["--canary", str(challenger_bundle), "--tls-cert", str(certificate), "--tls-key", str(key)]
    welcome = _welcome(serve(bundle_directory, folder, *options))
    machine = MachineState.load(folder)
    assert machine.url.startswith("https://127.0.0.1:") and machine.url in welcome
    assert ((folder / "tls.pem").stat().st_mode & 0o777) == 0o600

    def answers(authority: Authority) -> bool:
        trust = ssl.create_default_context(cafile=authority.certificate)
        with httpx.Client(base_url=machine.url, verify=trust, trust_env=False, timeout=HANG_S) as client:
            try:
                answer = client.post(PREDICT, content=clip, headers={"Content-Type": "audio/ogg"})
            except httpx.ConnectError:
                return False
        return answer.status_code == 200 and answer.headers["x-silencio-arm"] == "champion"

    def answers_grpc(authority: Authority) -> bool:
        credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
        with grpc.secure_channel(machine.grpc_address, credentials) as channel:
            live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
            try:
                return bool(live(b"", timeout=HANG_S))
            except grpc.RpcError:
                return False

    assert answers(authorities[0]) and answers_grpc(authorities[0])
    for path, into in zip(pairs[1], (certificate, key), strict=True):
        shutil.copy(path, into)
    until(lambda: answers(authorities[1]))
    assert answers_grpc(authorities[1]) and not answers(authorities[0])
