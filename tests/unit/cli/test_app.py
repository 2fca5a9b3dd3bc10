"""The command `silencio` as a process: what it prints, how it ends, what it imports, what bash completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from silencio.__main__ import main
from silencio.cli.entries import commands

HEAVY = {"torch", "pandas", "kfp", "kserve", "mlflow", "sklearn", "numpy", "onnxruntime", "grpc"}


def silencio(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", "-m", "silencio", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Packages, by what `-X importtime` printed."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_help__names_every_command_and_imports_none_of_them() -> None:
    done = silencio("--help")
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == list(commands())
    assert "silencio" in imported(done)
    assert imported(done) & (HEAVY | {"pipelines", "serving", "components"}) == set()


def test_help__is_printed_where_nothing_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().out


def test_version__is_the_distributions() -> None:
    from importlib.metadata import version

    assert silencio("--version").stdout == f"silencio {version('silencio')}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["predcit"], "error: No such command 'predcit'. Did you mean 'predict'"),
        (["--loud"], "error: No such option: --loud"),
    ],
)
def test_command_line__that_cannot_be_read_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(sentence)
    assert error.count("\n") == 1


def test_options__of_a_command_are_read_by_the_command_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` and `--version` behind its name are not ours."""
    with pytest.raises(SystemExit) as end:
        main(["registry", "fetch", "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("usage: silencio registry fetch ")
    with pytest.raises(SystemExit) as end:
        main(["registry", "--version"])
    assert end.value.code == 2


def test_status__of_a_command_is_the_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "schema"]) == 0
    assert main(["bundle", "inspect", "/nowhere"]) == 1
    assert capsys.readouterr().err.startswith("refused: ")


def completed(line: str, programs: Path) -> list[str]:
    """What bash offers at the end of a line, by the script that `silencio` gives it."""
    program = programs / "silencio"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m silencio "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(_SILENCIO_COMPLETE=source_bash silencio)"
        read -ra COMP_WORDS <<<"$1"
        [[ $1 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _silencio_completion silencio
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-c", script, "bash", line]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PATH": path})
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("silencio pr", ["predict", "produce"]),
        ("silencio registry ", ["list", "promote", "fetch", "sign", "benchmarks"]),
        ("silencio run b", ["batch_score"]),
        ("silencio run train --ch", ["--champion"]),
        ("silencio predict dawn.ogg --format ra", ["raven"]),
        ("silencio bundle inspect ", []),
    ],
)
def test_bash__completes(line: str, offered: list[str], tmp_path: Path) -> None:
    assert completed(line, tmp_path) == offered


def test_bash__completes_a_command_without_importing_any() -> None:
    done = silencio(_SILENCIO_COMPLETE="complete_bash", COMP_WORDS="silencio re", COMP_CWORD="1")
    assert done.stdout.split() == ["registry", "release"]
    assert imported(done) & (HEAVY | {"pipelines", "serving", "components"}) == set()
