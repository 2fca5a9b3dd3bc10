"""A newcomer's clone: what is committed, the environments that `make` made, and what the pages call by a name.

Nothing is replaced in a command. What a page calls FOLDER or dawn.ogg lies in the clone under that very name
(`furnish`), and presets of reserves, which train for an hour, are small in the clone.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from silencio.bundle.manifest import MANIFEST, BundleManifest
from silencio.registry.connection import connect
from silencio.registry.models import register_version
from silencio.registry.record import BUNDLE
from silencio.registry.settings import Tracking
from tests.docs.pages import ROOT, Block
from tests.tiny_reserve import TINY
from tests.unit.registry.places import fresh_database
from tests.waiting import HANG_S, until

# They train for minutes and hours, on recordings that are not here.
_SMALL = ("reserve", "reserve-fast", "instruments")
# What is recorded at the reserve, as a box of samples would call it.
_SAMPLES = {"grekis": "kick", "1139490": "snare", "65448": "tom", "41970": "hat"}
_ACTIVATED = re.compile(r"^(?:source|\.) (\.venv(?:-serving)?)/bin/activate$", re.MULTILINE)
_ABSENT = ("python", "pip", "mlflow", "silencio")
# Whatever started the tests may ignore Ctrl-C, as a shell has its background jobs do; a terminal's programs do not.
_WITH_CTRL_C = ("env", "--default-signal=INT")
# What a newcomer has not set.
_UNSET = ("MLFLOW_", "SILENCIO_", "PYTEST_", "COVERAGE_", "HTTP", "ALL_PROXY", "http", "all_proxy")


class PageError(Exception):
    """A command that did not do what its page says."""


class Clone:
    """Where a newcomer works.

    Args:
        folder: Gets it; empty.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "silencio"
        self._home = folder / "home"
        self._path = _without_python(folder / "bin")
        self._active: str | None = None
        self._staying: list[tuple[Block, subprocess.Popen[bytes]]] = []
        self._loopback = Loopback()
        self._home.mkdir()
        _copy_tree(self.root)

    def run(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            PageError: A command ended otherwise than the page says.
        """
        if block.file:
            path = self.root / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.is_run:
            if block.is_alone:
                self.stop()
            self._run(block)

    def activate(self, environment: str = ".venv") -> None:
        """Make an environment active in every terminal from now on, as README says once for all pages."""
        self._active = environment

    def stop(self) -> None:
        """End what goes on, as Ctrl-C does, the last first.

        Raises:
            PageError: Something did not end in order.
        """
        faults = []
        while self._staying:
            block, process = self._staying.pop()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            if _ended(process) not in (0, 130):
                faults.append(f"{block.where} ended with {process.returncode}:\n{self._log(block).read_text()}")
        if faults:
            raise PageError("\n".join(faults))

    def close(self) -> None:
        """End everything."""
        try:
            self.stop()
        finally:
            self._loopback.close()

    def _run(self, block: Block) -> None:
        program = [".venv/bin/python", "-c"] if block.language == "python" else ["bash", "-euo", "pipefail", "-c"]
        log = self._log(block)
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self._loopback.before, *_WITH_CTRL_C, *program, block.text],
                cwd=self.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if block.stays_until:
            self._staying.append((block, process))
            ready = block.stays_until.encode()
            until(lambda: ready in log.read_bytes() or process.poll() is not None, log.read_text)
            if ready in log.read_bytes():
                return
        if _ended(process) == block.status and not block.stays_until:
            if made_active := _ACTIVATED.findall(block.text):
                self.activate(made_active[-1])
        else:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise PageError(f"{block.where} ended with {process.returncode}:\n{block.text}\n{text}")

    def _log(self, block: Block) -> Path:
        return self._home / "logs" / block.where.replace(":", "-")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNSET)}
        return kept | {
            "HOME": str(self._home),
            "PATH": self._path if self._active is None else f"{self.root / self._active / 'bin'}:{self._path}",
            # The environments were made in another folder: without this, they find the library there.
            "PYTHONPATH": f"{self.root / 'src'}:{self.root}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "120",
            "SILENCIO_THREADS": "1",
        }


class Loopback:
    """A loopback of the clone's own, where the kernel gives one: the pages' ports are free, and nothing else is there.

    Attributes:
        before: Words before a command that runs with it; none where commands share the machine's.
    """

    def __init__(self) -> None:
        self.before: list[str] = []
        self._holder: subprocess.Popen[bytes] | None = None
        if not all(shutil.which(tool) for tool in ("unshare", "nsenter", "ip")):
            return
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert holder.stdout is not None
        before = ["nsenter", "--target", str(holder.pid), "--net", "--"]
        if holder.stdout.readline() == b"up\n" and subprocess.run([*before, "true"], check=False).returncode == 0:
            self._holder, self.before = holder, before
        else:
            holder.communicate()

    def close(self) -> None:
        """Give it back."""
        if self._holder is not None:
            self._holder.communicate()


def _ended(process: subprocess.Popen[bytes]) -> int:
    """How it ended; what hangs is killed with all that it started."""
    try:
        return process.wait(HANG_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def _copy_tree(root: Path) -> None:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
            (root / name).chmod((ROOT / name).stat().st_mode)
            # `make` made the environments after that.
            os.utime(root / name, (0, 0))
    for environment in (".venv", ".venv-serving"):
        (root / environment).symlink_to(ROOT / environment)
    for preset in _SMALL:
        (root / "src" / "silencio" / "presets" / f"{preset}.yaml").write_text(TINY, encoding="utf-8")


def _without_python(folder: Path) -> str:
    """A PATH on which these names are what they are on a plain Debian: nothing."""
    folder.mkdir()
    for name in _ABSENT:
        (folder / name).write_text(f"#!/bin/sh\necho '{name}: command not found' >&2\nexit 127\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def furnish(clone: Clone, source: Path, bundle: Path) -> None:
    """Lay out what the pages call by a name, anew for each page.

    Args:
        clone: Where.
        source: Labelled recordings in BirdCLEF's layout.
        bundle: Made of them.
    """
    root = clone.root
    for name in ("FOLDER", "SAMPLES", "NEW_FOLDER"):
        shutil.rmtree(root / name, ignore_errors=True)
    shutil.copytree(source, root / "FOLDER")
    _write_soundscapes(root / "FOLDER" / "train_soundscapes")
    (root / "SAMPLES").mkdir()
    for path in source.glob("train_audio/*/*.ogg"):
        number = path.stem.rpartition("_")[2]
        shutil.copy2(path, root / "SAMPLES" / f"{_SAMPLES[path.parent.name]}_{number}.ogg")
    for name, recording in {"CLIP.ogg": "grekis_3", "dawn.ogg": "grekis_4", "dusk.ogg": "65448_4"}.items():
        shutil.copyfile(source / "train_audio" / recording.partition("_")[0] / f"{recording}.ogg", root / name)
    if not (root / "out" / "reserve" / "bundle").exists():
        shutil.copytree(bundle, root / "out" / "reserve" / "bundle")


def _write_soundscapes(folder: Path, n_soundscapes: int = 6) -> None:
    """What a recorder heard that nobody labelled; the same each time, so that a run on it is taken up."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    rate_hz, duration_s = 16_000, 8.0
    time_s = np.arange(int(rate_hz * duration_s)) / rate_hz
    for number in range(n_soundscapes):
        pitch_hz = rng.uniform(500.0, 4000.0)
        song = 0.2 * np.sin(2 * np.pi * pitch_hz * time_s) * (np.sin(2 * np.pi * time_s) > 0)
        sound = song + 0.02 * rng.standard_normal(len(time_s))
        path = folder / f"H02_20230420_07400{number}.ogg"
        soundfile.write(path, sound.astype(np.float32), rate_hz)
        os.utime(path, (0, 0))


def register(clone: Clone, bundle: Path, n_versions: int = 3) -> None:
    """What a few runs whose bundles passed leave in the clone's `mlflow.db`, the last as challenger.

    Args:
        clone: Where.
        bundle: Each version is this one under another name.
        n_versions: How many.
    """
    tracking = Tracking(uri=fresh_database(clone.root), experiment="silencio")
    client = connect(tracking)
    artifacts = (clone.root / "mlruns" / "1").as_uri()
    experiment = client.create_experiment(tracking.experiment, artifact_location=artifacts)
    for number in range(1, n_versions + 1):
        copy = clone.root / "out" / f"run-{number}" / "bundle"
        shutil.copytree(bundle, copy)
        manifest = BundleManifest.model_validate_json((copy / MANIFEST).read_text(encoding="utf-8"))
        sealed = manifest.model_copy(update={"version": f"{number}{manifest.version[1:]}"}).sealed()
        (copy / MANIFEST).write_text(sealed.model_dump_json(), encoding="utf-8")
        run_id = client.create_run(experiment).info.run_id
        client.log_artifacts(run_id, str(copy), BUNDLE)
        register_version(client, run_id, sealed)
