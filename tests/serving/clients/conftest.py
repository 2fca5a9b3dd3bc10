"""Other people's clients, in environments of their own: `make extras` and `make soak` install them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import HANG_S

HERE = Path(__file__).parent
_TOOLS = os.environ.get("SILENCIO_CLIENTS", "")
Run = Callable[..., Any]


@pytest.fixture(scope="session")
def client_tools() -> Path:
    """Where `scripts/install_clients.sh` put them."""
    if not _TOOLS:
        pytest.skip("no SILENCIO_CLIENTS: make extras installs other people's clients")
    return Path(_TOOLS).resolve()


@pytest.fixture(scope="session")
def node_tools(client_tools: Path) -> Path:
    if not (client_tools / "node").is_dir() or not shutil.which("node"):
        pytest.skip("no node here")
    return client_tools / "node"


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Its standard output; it has ended well."""
    # Nothing of this environment's packages, and no proxy for a server of this machine.
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith(("_proxy", "pythonpath"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def send(client_tools: Path) -> Run:
    """Run one of the scripts beside this file, with the clients' Python, and take what it prints."""

    def send(script: str, *arguments: str | Path, **environment: str) -> Any:
        return json.loads(run(client_tools / "python" / "bin" / "python", HERE / script, *arguments, **environment))

    return send


@pytest.fixture(scope="session")
def recording_file(recording: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, so two windows."""
    path = tmp_path_factory.mktemp("recording") / "dawn.ogg"
    path.write_bytes(recording(6.0))
    return path
