"""Programs of others take the options by which manifests run them, by their own help; MLflow's is held by its start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from delivery.others import (
    ALERTMANAGER,
    PG_DUMPALL,
    POSTGRES,
    PROMETHEUS,
    RCLONE,
    RESTIC,
    SEAWEEDFS,
    Program,
    program_of,
)
from delivery.servers import server_of
from tests.delivery.platform_backup import POSTGRESQL

WEED = Path(sys.executable).with_name("weed")


def test_seaweedfs__takes_the_options() -> None:
    shown = subprocess.run([WEED, "server", "-h"], capture_output=True, text=True, check=False)
    general = subprocess.run([WEED, "-h"], capture_output=True, text=True, check=False)
    pages = shown.stdout + shown.stderr + general.stdout + general.stderr
    assert set(re.findall(r"^\s*(-[\w.]+)", pages, re.MULTILINE)) >= SEAWEEDFS.options


@pytest.mark.parametrize("program", [PG_DUMPALL, *RCLONE, *RESTIC], ids=lambda one: one.name)
def test_program_of_the_backup__takes_the_options(program: Program) -> None:
    path = os.pathsep.join([os.environ["PATH"], str(POSTGRESQL)])
    found = shutil.which(program.command[0], path=path)
    if not found:
        pytest.skip(f"{program.command[0]} is not at hand: make extras")
    page = subprocess.run([found, *program.command[1:], "--help"], capture_output=True, text=True, check=True).stdout
    # Those of every command have a page of their own.
    page += "" if program.command[0] != "rclone" else _flags_of(found)
    assert set(re.findall(r"(--[a-z-]+)", page)) >= program.options


@pytest.mark.parametrize("program", [PROMETHEUS, ALERTMANAGER], ids=lambda one: one.name)
def test_program_of_the_monitoring__takes_the_options(program: Program) -> None:
    # Debian's name, where there is another one.
    found = next(filter(None, map(shutil.which, (program.name, f"prometheus-{program.name}"))), None)
    if not found:
        pytest.skip(f"{program.name} is not at hand: make extras")
    done = subprocess.run([found, "--help"], capture_output=True, text=True, check=False)
    assert set(re.findall(r"(--[a-z.-]+)", done.stdout + done.stderr)) >= program.options


def _flags_of(rclone: str) -> str:
    return subprocess.run([rclone, "help", "flags"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("words", "ports"),
    [
        (["mlflow", "server", "--port=5000"], {"http": 5000}),
        (["weed", "server", "-s3", "-s3.port=8333"], {"s3": 8333}),
        (["docker-entrypoint.sh", "postgres"], {"postgres": 5432}),
        (["restic", "backup", "/backup"], {}),
        (["prometheus", "--web.listen-address=0.0.0.0:9090"], {"web": 9090}),
    ],
    ids=["mlflow", "seaweedfs", "postgres", "restic", "prometheus"],
)
def test_program__listens_where_its_options_say(words: list[str], ports: dict[str, int]) -> None:
    server = server_of({"command": words[:1], "args": words[1:]})
    assert server.ports == ports and not server.faults


@pytest.mark.parametrize(
    "words",
    [
        ["mlflow", "server", "--port=5000", "--backend=sqlite://"],
        ["weed", "server", "-s3"],
        ["mlflow", "server"],
        ["restic", "backup", "--prune"],
    ],
    ids=["another option", "no port of S3", "no port", "another command's option"],
)
def test_program__is_refused_with(words: list[str]) -> None:
    assert server_of({"command": words}).faults


def test_program__of_another_command_is_none() -> None:
    assert program_of(["mlflow", "ui"]) is None
    assert program_of(["docker-entrypoint.sh", "postgres"]) is POSTGRES
