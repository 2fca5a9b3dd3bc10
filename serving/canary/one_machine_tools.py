"""HAProxy and Prometheus as children: found, started so that none of them outlives its parent, and looked at."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from silencio.errors import ServingError

# Where scripts/install_splitter.sh puts them, and where Debian has daemons, which is not in everybody's path.
INSTALLED = Path("out/splitter/bin")
_OF_DAEMONS = "/usr/sbin"
_STOP_TIMEOUT_S = 45.0


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Paths of the two programs.

    Attributes:
        haproxy: HAProxy, 2.6 or newer with Lua.
        prometheus: Prometheus.
    """

    haproxy: str
    prometheus: str

    @classmethod
    def find(cls, folder: Path = INSTALLED) -> Self:
        """Those of the path, else those in a folder.

        Raises:
            ServingError: One of them is not there.
        """
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), _OF_DAEMONS, str(folder.resolve())])
        found = {name: shutil.which(name, path=path) for name in ("haproxy", "prometheus", "setpriv")}
        if missing := [name for name, where in found.items() if where is None]:
            raise ServingError(
                f"--canary needs {' and '.join(missing)}, not found in the path nor in {folder}: "
                "scripts/install_splitter.sh unpacks Debian's packages there, without root"
            )
        # Absolute: they run in a folder of their own, and a path may have names that begin here.
        return cls(
            haproxy=str(Path(str(found["haproxy"])).absolute()),
            prometheus=str(Path(str(found["prometheus"])).absolute()),
        )


@dataclass
class Tool:
    """A program that was started here.

    Attributes:
        name: Its name in messages.
        log: File of its output.
        process: Its process.
    """

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, name: str, command: Sequence[str], folder: Path) -> Self:
        """Start it in a folder, with its log there.

        The kernel ends it with its parent: neither program looks at its standard input. It does so when the thread
        ends that started it, which is therefore the main one.

        Args:
            name: Its name in messages.
            command: Its command line.
            folder: Its working folder.
        """
        log = folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # found by Programs
                ["setpriv", "--pdeathsig", "TERM", *command],  # noqa: S607  # of the path, as util-linux is everywhere
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )
        return cls(name, log, process)

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    def last_lines(self, n_lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-n_lines:])

    def check_alive(self) -> None:
        """Raises `ServingError` with the last lines of its log if it has ended."""
        code = self.exit_code()
        if code is not None:
            raise ServingError(f"{self.name} ended by itself (exit code {code}); its last lines:\n{self.last_lines()}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, wait, and look how it did; one that ended before is left.

        Args:
            number: What it is asked by.

        Raises:
            ServingError: It did not end, or not in order.
        """
        if self.exit_code() is not None:
            return
        self.process.send_signal(number)
        try:
            code = self.process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServingError(f"{self.name} was killed: it did not end within {_STOP_TIMEOUT_S:g} s") from None
        if code not in (0, -number, 128 + number):
            raise ServingError(
                f"{self.name} did not end in order when it was stopped (exit code {code}); its last lines:\n"
                f"{self.last_lines()}"
            )
