"""Debian's Alertmanager, run from where it was unpacked: its package is not installed, since that would start it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from silencio.network import free_ports
from tests.waiting import HANG_S, until

PROGRAM = "prometheus-alertmanager"
# Compiled into the program, which does not start without the templates there.
_TEMPLATES = Path("/usr/share/prometheus/alertmanager")


@contextmanager
def running_alertmanager(folder: Path, config: Path) -> Iterator[str]:
    """Start one, wait until it is ready, and end it.

    Args:
        folder: For its data and its log.
        config: Its configuration.

    Yields:
        Its address.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        port = free_ports(1)[0]
        command = [
            str(_movable(Path(short))),
            f"--config.file={config}",
            f"--storage.path={folder}/data",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"

        def is_ready() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                return httpx.get(f"{url}/-/ready", trust_env=False, timeout=HANG_S).is_success
            except httpx.TransportError:
                return False

        try:
            until(is_ready)
            yield url
        finally:
            process.kill()
            process.wait()


def _movable(short: Path) -> Path:
    """The program, or a copy that finds its templates below `short`, a path that is no longer than theirs."""
    program = Path(shutil.which(PROGRAM) or PROGRAM)
    if (_TEMPLATES / "default.tmpl").exists():
        return program
    unpacked = program.resolve().parents[2] / _TEMPLATES.relative_to("/")
    (short / "t").symlink_to(unpacked)
    elsewhere = str(short / "t").encode()
    compiled = str(_TEMPLATES).encode()
    copy = short / PROGRAM
    # As long as before: slashes more are the same path.
    copy.write_bytes(program.read_bytes().replace(compiled, elsewhere.ljust(len(compiled), b"/")))
    copy.chmod(0o755)
    return copy
