"""One server as a process of its own, with its log in a file."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

import serving
from serving.server.protocol import MODEL_NAME, STOP_TIMEOUT_S
from silencio import errors
from silencio.errors import ServingError

# Two spinning threads on a busy two-core machine were measured up to 40 times slower than one.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "SILENCIO_SESSION_THREADS")
# glibc gives an array of a megabyte back to the kernel at once, and every window's STFT pays for fresh pages: keeping
# up to 32 MiB was measured to halve the time of a log-mel (7 to 10 ms against 4 to 5).
_KEEP_MEMORY = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
_KEPT_BYTES = 32 << 20
_PROBE_S = 5.0


@dataclass(frozen=True)
class Readiness:
    """Whether a server is ready, and if not why.

    Attributes:
        ready: Whether it is ready.
        reason: Why it is not; empty where it is.
    """

    ready: bool
    reason: str = ""


@dataclass
class ServerProcess:
    """A server that was started here.

    Attributes:
        name: The server's name in messages.
        url: Address of its REST side.
        log: File of its output.
        process: The server's process.
        was_stop_requested: It lived until `request_stop`.
        was_killed: It did not end after `request_stop`.
    """

    name: str
    url: str
    log: Path
    process: subprocess.Popen[bytes]
    was_stop_requested: bool = False
    was_killed: bool = False

    @classmethod
    def start(cls, module: str, arguments: Sequence[str], url: str, log: Path, without: Collection[str] = ()) -> Self:
        """Start `python -m module`.

        It stops when its standard input ends: a parent that is killed leaves nothing behind. In a session
        of its own, it does not get a terminal's Ctrl-C: its parent does, and stops it in order.

        Args:
            module: The server's module.
            arguments: Its command line.
            url: Address of its REST side.
            log: File for its output.
            without: Variables of the environment that are not for it.
        """
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # our own modules
                [sys.executable, "-m", module, *arguments, "--stop_with_parent"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(without),
                start_new_session=True,
            )
        return cls(module.rpartition(".")[2], url, log, process)

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    def readiness(self) -> Readiness:
        """Request its readiness."""
        try:
            with httpx.Client(trust_env=False, timeout=_PROBE_S, verify=_any_certificate(self.url)) as client:
                answer = client.get(f"{self.url}/v2/models/{MODEL_NAME}/ready")
        except httpx.TransportError:
            return Readiness(False, "it is starting")
        if answer.is_success:
            return Readiness(True)
        try:
            return Readiness(False, str(answer.json()["error"]))
        except (ValueError, KeyError, TypeError):
            return Readiness(False, f"it answers {answer.status_code}")

    def last_lines(self, n_lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-n_lines:])

    def request_stop(self) -> None:
        """Send SIGTERM, once."""
        if self.exit_code() is None:
            self.was_stop_requested = True
            self.process.terminate()

    def wait_until_stopped(self) -> None:
        """Wait for its end; kill it where it does not come."""
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.was_killed = True
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def stop(self) -> None:
        """Request its stop, wait, and check how it ended.

        Raises:
            ServingError: The server did not end as it should.
        """
        self.request_stop()
        self.wait_until_stopped()
        self.check_end()

    def check_end(self) -> None:
        """Look at how it ended, once it did.

        Raises:
            ServingError: It did not end as it should after `request_stop`.
        """
        code = self.exit_code()
        if self.was_killed:
            raise ServingError(
                f"the {self.name} was killed: stopped, it did not end within {STOP_TIMEOUT_S:g} s; its last lines:\n"
                f"{self.last_lines()}"
            )
        if self.was_stop_requested and code:
            raise ServingError(
                f"the {self.name} did not end in order when it was stopped (exit code {code}); its last lines:\n"
                f"{self.last_lines()}"
            )


def _any_certificate(url: str) -> ssl.SSLContext | bool:
    """The server is this process's child: a certificate for other names, or of another day, is taken."""
    if not url.startswith("https://"):
        return True
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _environment(without: Collection[str] = ()) -> dict[str, str]:
    """This process's environment, with one thread a server unless the user chose, and these packages on the path.

    Args:
        without: Variables that are not for it.
    """
    defaults = dict.fromkeys(_ONE_THREAD, "1") | dict.fromkeys(_KEEP_MEMORY, str(_KEPT_BYTES))
    environment = defaults | {name: value for name, value in os.environ.items() if name not in without}
    # Not by `silencio` itself, whose public face leads to pandas.
    roots = [str(Path(module.__file__ or "").parents[1]) for module in (serving, errors)]
    environment["PYTHONPATH"] = os.pathsep.join([*roots, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
