"""Where a key is set, a server is ready with a bundle that it signed, and with no other."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from serving.local.server_process import ServerProcess
from serving.predictor.__main__ import main
from serving.predictor.model import Predictor
from serving.server import start
from serving.settings.local import NOT_THE_PREDICTORS, NOT_THE_TRANSFORMERS
from silencio.bundle.signing import sign_bundle
from silencio.network import free_ports
from tests.signing_keys import KeyPair
from tests.waiting import until


@pytest.fixture
def keys(tmp_path: Path) -> KeyPair:
    return KeyPair.of_curve(tmp_path, ec.SECP256R1())


@pytest.fixture
def own_bundle(bundle_directory: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_directory, tmp_path / "bundle"))


@pytest.fixture
def predictor(own_bundle: Path, keys: KeyPair) -> Predictor:
    found = Predictor("silencio", own_bundle)
    found.bundle_key = keys.public
    return found


def test_predictor__refuses_a_bundle_that_is_not_signed(predictor: Predictor) -> None:
    assert not predictor.load()
    assert "is not signed, and here one must be" in predictor.reason


@pytest.mark.survival
def test_servers__refuse_a_bundle_that_is_not_signed(own_bundle: Path, keys: KeyPair, tmp_path: Path) -> None:
    """Both of a pod, by the flag and by the environment."""
    ports = [str(port) for port in free_ports(4)]
    options = ["--bundle", str(own_bundle), "--http_port", ports[0], "--grpc_port", ports[1]]
    by_flag = ServerProcess.start(
        "serving.predictor",
        [*options, "--bundle_key", str(keys.public)],
        f"http://127.0.0.1:{ports[0]}",
        tmp_path / "predictor.log",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SILENCIO_BUNDLE_KEY", str(keys.public))
        options = ["--bundle", str(own_bundle), "--http_port", ports[2], "--predictor_host", f"127.0.0.1:{ports[1]}"]
        by_environment = ServerProcess.start(
            "serving.transformer", options, f"http://127.0.0.1:{ports[2]}", tmp_path / "transformer.log"
        )
    servers = by_flag, by_environment
    try:
        for server in servers:
            until(lambda one=server: one.readiness().reason.startswith("refused: "), server.last_lines)
            assert "is not signed, and here one must be" in server.readiness().reason
    finally:
        for server in servers:
            server.request_stop()
        for server in servers:
            server.wait_until_stopped()


def test_server__refuses_a_bundle_that_was_changed_after_it_was_signed(
    predictor: Predictor, own_bundle: Path, keys: KeyPair, server_log: Callable[[], list[str]]
) -> None:
    sign_bundle(own_bundle, keys.private)
    content = bytearray((own_bundle / "bundle.json").read_bytes())
    content[len(content) // 2] ^= 1
    (own_bundle / "bundle.json").write_bytes(content)
    assert not predictor.load()
    assert "model.sig" in predictor.reason and "is of another bundle" in predictor.reason
    assert server_log() == [f"silencio: not ready: {predictor.reason}"]


def test_server__serves_a_signed_bundle_and_says_whose_it_is(
    predictor: Predictor, own_bundle: Path, keys: KeyPair, server_log: Callable[[], list[str]]
) -> None:
    sign_bundle(own_bundle, keys.private)
    try:
        assert predictor.load(), predictor.reason
    finally:
        predictor.stop()
    assert ", signed by key " in server_log()[-1]


def test_server__ends_at_once_where_the_key_cannot_be_read(
    own_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENCIO_BUNDLE_KEY", str(tmp_path / "nowhere.pub"))
    # What it sets up would hold for the tests after this one.
    monkeypatch.setattr(start, "configure_logging", lambda file: None)
    monkeypatch.setattr(sys, "argv", ["predictor", "--bundle", str(own_bundle)])
    with pytest.raises(SystemExit, match=r"^error: the public key .*nowhere\.pub cannot be read: No such file"):
        main()


def test_serve__both_servers_see_the_key() -> None:
    """Or `silencio serve` would have one of them serve what the other refuses."""
    assert "SILENCIO_BUNDLE_KEY" not in NOT_THE_PREDICTORS | NOT_THE_TRANSFORMERS
