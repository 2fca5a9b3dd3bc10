"""`run train` on the made-up reserve, started again and again, and killed in chosen steps."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.tiny_reserve import TWO_SMALL_HEADS, write_source
from tests.waiting import HANG_S, until

ROOT = Path(__file__).parents[2]
BEGAN = re.compile(r"^\[ *[\d.]+ s\] (\S+)$", re.MULTILINE)
# kfp's executor says this in the step's process, just before it calls the component.
_AT_WORK = "Got executor_input"


class Train:
    """Starts `run train` on the made-up reserve, each time by the same command."""

    def __init__(self, folder: Path, name: str, *options: str) -> None:
        self.out = folder / name
        if not (folder / "source").exists():
            write_source(folder / "source")
            (folder / "tiny.yaml").write_text(TWO_SMALL_HEADS)
        data, config = str(folder / "source"), str(folder / "tiny.yaml")
        self.options = ["--data", data, "--preset", "demo", "--config", config, "--out", str(self.out)]
        # MLflow would be asked for a champion in every start, and there is none.
        self.options += ["--champion", "none", *options]
        self._command = [sys.executable, "-m", "silencio", "run", "train", *self.options]
        self.environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/{name}.db"}
        self._printed = folder / f"{name}.txt"

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        with self._printed.open("w") as printed:
            return subprocess.Popen(
                [*self._command, *options],
                cwd=ROOT,
                env=self.environment,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )

    def failure(self, *options: str) -> str:
        """The last line of a run that fails."""
        assert self.start(*options).wait(HANG_S) == 1, self.printed
        return self.printed.splitlines()[-1]

    def finish(self) -> str:
        process = self.start()
        assert process.wait(HANG_S) == 0, self.printed
        return self.printed

    @property
    def printed(self) -> str:
        return self._printed.read_text()

    def kill_in_a_new_step(self, known: set[str], *, at_work: bool, group: bool) -> str:
        """Start, and kill in the first step that is not known yet; "" if the run came to its end before."""
        log = self.out / "run.log"
        n_before = log.stat().st_size if log.exists() else 0
        process = self.start()

        def new_step() -> str | None:
            """Its name; empty when the run ended before there was one."""
            ended = process.poll() is not None
            text = log.read_bytes()[n_before:].decode(errors="replace") if log.exists() else ""
            new = next((match for match in BEGAN.finditer(text) if match[1] not in known), None)
            if new and not ended and (not at_work or _AT_WORK in text[new.end() :]):
                return new[1]
            return "" if ended else None

        step = until(lambda: [found] if (found := new_step()) is not None else [], lambda: self.printed)[0]
        if step:
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
            return step
        assert process.returncode == 0, self.printed
        return ""

    def processes_end(self) -> bool:
        """One that is only starting sees when it has started that its run is gone."""
        return until(lambda: not self.processes(), self.processes)

    def processes(self) -> list[str]:
        """Command lines of the steps that still run in this folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.out) in command:
                found.append(command[:200])
        return found

    @property
    def files(self) -> dict[str, str]:
        made = [*(self.out / "bundle").rglob("*"), self.out / "evaluation.json", self.out / "verdict.json"]
        return {
            str(path.relative_to(self.out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in made
            if path.is_file()
        }
