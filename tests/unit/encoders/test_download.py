"""Weights come once, whole, checked, and as much of them as came is not asked for again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from silencio.encoders._download import download
from silencio.errors import PretrainedWeightsError, StorageError
from tests.unit.encoders.file_server import FileServer
from tests.waiting import HANG_S

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ADVICE = "put it into /there"


def fetch(server: FileServer, path: Path, sha256: str = SHA256) -> bytes:
    return download(server.address, path, sha256, ADVICE).read_bytes()


def test_download__comes_once(tmp_path: Path) -> None:
    with FileServer(CONTENT).running() as server:
        path = tmp_path / "encoders" / "weights.bin"
        assert fetch(server, path) == fetch(server, path) == CONTENT
    assert server.ranges == [None]
    assert not path.with_name(".weights.bin.partial").exists()


def test_download__takes_up_what_an_earlier_run_left(tmp_path: Path) -> None:
    (tmp_path / ".weights.bin.partial").write_bytes(CONTENT[:1_000_000])
    with FileServer(CONTENT).running() as server:
        assert fetch(server, tmp_path / "weights.bin") == CONTENT
    assert server.ranges == ["bytes=1000000-"]


def test_download__asks_no_proxy_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    with FileServer(CONTENT).running() as server:
        assert fetch(server, tmp_path / "weights.bin") == CONTENT


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        (
            "HTTPS_PROXY",
            "http://me:secret@127.0.0.1:9",
            "no connection through the proxy .*HTTPS_PROXY=http://127.0.0.1:9",
        ),
        ("ALL_PROXY", "socks5://127.0.0.1:9", "no connection through the proxy .*ALL_PROXY=socks5://127.0.0.1:9"),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem", "REQUESTS_CA_BUNDLE=/nowhere.pem is not there"),
    ],
)
def test_download__names_the_variable_that_stands_in_the_way(
    variable: str, value: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(PretrainedWeightsError, match=shown) as error:
        download("https://192.0.2.1/weights.bin", tmp_path / "weights.bin", SHA256, ADVICE)
    assert "secret" not in str(error.value)


def test_download__finds_that_an_earlier_run_left_everything(tmp_path: Path) -> None:
    (tmp_path / ".weights.bin.partial").write_bytes(CONTENT)
    with FileServer(CONTENT).running() as server:
        assert fetch(server, tmp_path / "weights.bin") == CONTENT


def test_download__begins_again_where_the_server_knows_no_ranges(tmp_path: Path) -> None:
    (tmp_path / ".weights.bin.partial").write_bytes(b"x" * 1_000_000)
    with FileServer(CONTENT, knows_ranges=False).running() as server:
        assert fetch(server, tmp_path / "weights.bin") == CONTENT


def test_download__a_connection_that_breaks_is_taken_up_at_once(tmp_path: Path) -> None:
    with FileServer(CONTENT, max_bytes=1_400_000).running() as server:
        assert fetch(server, tmp_path / "weights.bin") == CONTENT
    assert [requested is None for requested in server.ranges] == [True, False, False]


def test_download__gives_up_where_nothing_more_comes_and_keeps_what_came(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    with FileServer(CONTENT, knows_ranges=False, max_bytes=1_400_000).running() as server:
        with pytest.raises(PretrainedWeightsError, match=r"not here .*the connection broke\): put it into /there$"):
            fetch(server, path)
        assert not path.exists()
        server.knows_ranges, server.max_bytes = True, None
        n_kept = path.with_name(".weights.bin.partial").stat().st_size
        assert n_kept > 0
        assert fetch(server, path) == CONTENT
    assert server.ranges[-1] == f"bytes={n_kept}-"


def test_download__another_file_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    with FileServer(CONTENT).running() as server:
        with pytest.raises(PretrainedWeightsError, match=rf"thrown away \(its sha256 is {SHA256}, 0+ is expected"):
            fetch(server, path, "0" * 64)
        assert not path.exists()
        assert fetch(server, path) == CONTENT
    assert server.ranges == [None, None]


def test_download__a_wrong_rest_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / ".weights.bin.partial").write_bytes(b"x" * 1_000_000)
    with FileServer(CONTENT).running() as server:
        with pytest.raises(PretrainedWeightsError, match="thrown away"):
            fetch(server, tmp_path / "weights.bin")
        assert fetch(server, tmp_path / "weights.bin") == CONTENT


def test_download__says_what_the_server_answered(tmp_path: Path) -> None:
    with FileServer(CONTENT, status=503).running() as server, pytest.raises(PretrainedWeightsError, match="HTTP 503"):
        fetch(server, tmp_path / "weights.bin")


def test_download__offline_is_one_sentence(tmp_path: Path) -> None:
    with FileServer(CONTENT).running() as server:
        address = server.address
    with pytest.raises(PretrainedWeightsError) as described:
        download(address, tmp_path / "weights.bin", SHA256, ADVICE)
    expected = f"weights.bin is not here and cannot be fetched from {address} (no connection): {ADVICE}"
    assert str(described.value) == expected


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_download__a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".weights.bin.partial").symlink_to("/dev/full")
    with FileServer(CONTENT).running() as server, pytest.raises(StorageError, match="^no space left on .*weights.bin"):
        fetch(server, tmp_path / "weights.bin")


def test_download__two_processes_at_once_fetch_once(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from silencio.encoders._download import download\n"
    code += "download(sys.argv[1], Path(sys.argv[2]), sys.argv[3], '')"
    with FileServer(CONTENT).running() as server:
        command = [sys.executable, "-c", code, server.address, str(tmp_path / "weights.bin"), SHA256]
        both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        described = [process.communicate(timeout=HANG_S)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], described
    assert (tmp_path / "weights.bin").read_bytes() == CONTENT
    assert server.ranges == [None]
