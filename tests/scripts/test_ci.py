""".ci/run: what it tells where a stage fails while another goes on beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

from tests.waiting import HANG_S

ROOT = Path(__file__).parents[2]


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    path.chmod(0o755)


def test_stage_that_fails__is_told_before_what_runs_beside_it_is_awaited_and_its_output_is_kept(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    os.mkfifo(tmp_path / "may_end")
    may_end = os.open(tmp_path / "may_end", os.O_RDWR)
    _program(tmp_path / "bin" / "make", '[ "$1" != check ] || { echo a fault of style; exit 3; }\n')
    _program(tmp_path / "scripts" / "with_docker_engine.sh", "read -r _ <may_end\necho the engine was stopped\n")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "TMPDIR": str(tmp_path / "temporary")}
    too_late = threading.Timer(HANG_S, os.write, (may_end, b"too late\n"))
    too_late.start()
    told: list[str] = []
    with subprocess.Popen([tmp_path / ".ci" / "run"], stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout
        for line in run.stdout:
            told.append(line)
            if "waiting for what runs beside it" in line:
                os.write(may_end, b"now\n")
    too_late.cancel()
    os.close(may_end)
    fault, waiting = (
        told.index(next(one for one in told if text in one)) for text in ("fault of style", "waiting for")
    )
    assert fault < waiting < told.index("the engine was stopped\n"), "".join(told)
    assert run.returncode == 3
    assert not list((tmp_path / "temporary").iterdir())
