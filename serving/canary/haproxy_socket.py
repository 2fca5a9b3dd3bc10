"""HAProxy's runtime API: one command a connection, and every answer read, as it has no exit code."""

from __future__ import annotations

import contextlib
import csv
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.canary.haproxy_config import SERVER, SHARE_MAP, SOCKET
from silencio.errors import RouteError

_TIMEOUT_S = 5.0
_READ_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """A backend's server as HAProxy sees it.

    Attributes:
        status: `UP`, `DOWN`, `MAINT` … with what HAProxy adds.
        address: HOST:PORT.
        changed_s: Seconds since it last went up or down.
        n_downs: How often it went from up to down.
    """

    status: str
    address: str
    changed_s: float
    n_downs: int

    @property
    def is_up(self) -> bool:
        return self.status.startswith("UP")

    @property
    def is_taken_out(self) -> bool:
        """By a command, and not by its checks."""
        return self.status.startswith(("MAINT", "DRAIN"))


class RuntimeSocket:
    """The socket in a state folder.

    Args:
        folder: The state folder, HAProxy's working folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def command(self, text: str) -> str:
        """The answer to a command, without blank lines around it.

        Raises:
            RouteError: HAProxy does not answer.
        """
        try:
            with _short_path(self._folder) as path, socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_TIMEOUT_S)
                connection.connect(path)
                connection.sendall(f"{text}\n".encode())
                answer = b"".join(iter(lambda: connection.recv(_READ_BYTES), b""))
        except OSError as error:
            raise RouteError(
                f"HAProxy does not answer at {self._folder / SOCKET} ({error.strerror or error}): is `silencio serve` "
                "running?"
            ) from error
        return answer.decode("utf-8", "replace").strip()

    def do(self, text: str) -> None:
        """A command that changes something: HAProxy says nothing where it did it.

        Raises:
            RouteError: It does not answer, or says anything.
        """
        if answer := self.command(text):
            raise RouteError(f"HAProxy did not do {text!r}: {' '.join(answer.split())}")

    def show_map(self) -> Mapping[str, str]:
        """What routes now, by key.

        Raises:
            RouteError: It does not answer, or in an unknown way.
        """
        answer = self.command(f"show map {SHARE_MAP}")
        found: dict[str, str] = {}
        for line in answer.splitlines():
            parts = line.split(" ", 2)
            if len(parts) != 3 or not parts[0].startswith("0x"):
                raise RouteError(f"HAProxy does not show its map {SHARE_MAP}: {' '.join(answer.split())}")
            found[parts[1]] = parts[2]
        return found

    def set_map(self, key: str, value: str) -> None:
        """Change what routes, of the next request on.

        Raises:
            RouteError: It does not answer, or does not do it.
        """
        self.do(f"set map {SHARE_MAP} {key} {value}")

    def set_certificate(self, name: str, pem: str) -> None:
        """Answer by another certificate, of the next handshake on; connections that stand are not touched.

        Args:
            name: Name of its file, as the configuration has it.
            pem: Certificate, chain and key.

        Raises:
            RouteError: It does not answer, or does not take it: the one before stays.
        """
        # The payload ends with an empty line, and may have none.
        lines = "\n".join(line for line in pem.splitlines() if line.strip())
        answers = [self.command(f"set ssl cert {name} <<\n{lines}\n"), self.command(f"commit ssl cert {name}")]
        if "Success" not in answers[1]:
            self.command(f"abort ssl cert {name}")
            raise RouteError(f"HAProxy does not take the new certificate: {' '.join(' '.join(answers).split())}")

    def set_server(self, backend: str, state: str) -> None:
        """Take a backend's server in (`ready`), or out (`maint`).

        Raises:
            RouteError: It does not answer, or does not do it.
        """
        self.do(f"set server {backend}/{SERVER} state {state}")

    def servers(self) -> Mapping[str, ServerState]:
        """The server of each backend, by the backend's name.

        Raises:
            RouteError: It does not answer, or in an unknown way.
        """
        rows = list(csv.DictReader(self.command("show stat -1 4 -1").removeprefix("# ").splitlines()))
        try:
            return {
                row["pxname"]: ServerState(
                    status=row["status"],
                    address=row["addr"],
                    changed_s=float(row["lastchg"] or 0),
                    n_downs=int(row["chkdown"] or 0),
                )
                for row in rows
            }
        except (KeyError, TypeError, ValueError) as error:
            raise RouteError(f"HAProxy's `show stat` is in an unknown form: {error}") from error


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """A socket's path may have 107 bytes, which a folder's may well have alone."""
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    except AttributeError:  # not Linux
        yield str(folder / SOCKET)
        return
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
