from __future__ import annotations

from pathlib import Path

import pytest

from serving.canary.one_machine_tools import Programs


def test_programs__are_found_by_a_path_that_begins_here_wherever_they_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("haproxy", "prometheus", "setpriv"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin")
    found = Programs.find(tmp_path / "none")
    assert (found.haproxy, found.prometheus) == (
        str(tmp_path / "bin" / "haproxy"),
        str(tmp_path / "bin" / "prometheus"),
    )
