"""Commands that are printed name the interpreter that has what they need."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from silencio.interpreter import python, script, silencio


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment in the working folder, whose interpreter is a link as it is in life."""
    programs = tmp_path / "a station" / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.chdir(tmp_path / "a station")
    return programs


def test_python__below_the_working_folder_is_named_from_there(venv: Path) -> None:
    assert python() == ".venv/bin/python"


def test_python__elsewhere_is_named_whole_and_quoted(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert shlex.split(python()) == [str(venv / "python")]
    done = subprocess.run(["sh", "-c", f"{python()} -c 'print(1)'"], capture_output=True, text=True, check=False)
    assert done.stdout == "1\n", done.stderr


def test_python__is_named_for_the_folder_in_which_it_will_be_typed(venv: Path, tmp_path: Path) -> None:
    assert shlex.split(python(tmp_path / "data")) == [str(venv / "python")]
    assert shlex.split(python(tmp_path)) == ["a station/.venv/bin/python"]


def test_script__lies_beside_the_interpreter_or_is_run_by_it(venv: Path) -> None:
    assert script("mlflow") == ".venv/bin/python -m mlflow"
    (venv / "mlflow").touch()
    assert script("mlflow") == ".venv/bin/mlflow"


def test_silencio__is_this_environments_own_whether_it_is_active_or_not(venv: Path) -> None:
    assert silencio() == ".venv/bin/python -m silencio"
    (venv / "silencio").touch()
    assert silencio() == ".venv/bin/silencio"
    assert shlex.split(silencio(venv.parents[2])) == ["a station/.venv/bin/silencio"]
