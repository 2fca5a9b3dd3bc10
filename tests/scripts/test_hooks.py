"""A commit's hooks and `make check` are one list of commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
((REPOSITORY),) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
HOOKS: list[dict[str, Any]] = REPOSITORY["hooks"]


def _recipe(target: str) -> list[str]:
    (lines,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in lines.splitlines()]


def test_hooks__and_make_check_are_one_list() -> None:
    assert [hook["entry"] for hook in HOOKS] == _recipe("check")


def test_hooks__are_all_run_by_hand_and_those_that_take_seconds_at_a_commit() -> None:
    assert all("manual" in hook["stages"] for hook in HOOKS)
    at_commits = {hook["id"] for hook in HOOKS if "pre-commit" in hook["stages"]}
    assert at_commits == {"lint", "format", "containerfile", "scripts", "layers", "compiled"}


def test_hooks__fetch_nothing_and_see_the_whole_tree() -> None:
    """A hook that got names of files would look at those alone, and find nothing where another file is at fault."""
    assert REPOSITORY["repo"] == "local"
    assert {(hook["language"], hook["pass_filenames"]) for hook in HOOKS} == {("system", False)}


def test_hook_of_compiled_pipelines__runs_where_something_that_they_are_made_of_changed() -> None:
    (files,) = (hook["files"] for hook in HOOKS if hook["id"] == "compiled")
    made_of = ["components", "pipelines", "src/silencio/presets", "src/silencio/steps", "src/silencio/config"]
    for folder in made_of:
        assert next((ROOT / folder).iterdir()), folder
        assert re.search(files, f"{folder}/anything.py"), folder
    assert re.search(files, "pyproject.toml")
    assert not re.search(files, "docs/data.md")


def test_check_of_scripts__has_every_script() -> None:
    (entry,) = (hook["entry"] for hook in HOOKS if hook["id"] == "scripts")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    shells = (b"#!/bin/sh", b"#!/usr/bin/env bash", b"#!/bin/bash")
    assert entry.split()[1:] == sorted(name for name in listed if (ROOT / name).read_bytes().startswith(shells))


def test_check_of_scripts_and_containerfile__finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "x.sh").write_text("#!/bin/sh\nrm -r $1/bin\n", encoding="utf-8")
    (tmp_path / "Containerfile").write_text("FROM debian\nRUN cd /x\n", encoding="utf-8")
    for program, name, code in (("shellcheck", "x.sh", "SC2086"), ("hadolint", "Containerfile", "DL3006")):
        command = [str(Path(sys.executable).parent / program), name]
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode == 1 and code in done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the hooks and one file of each kind, whose environment's commands write down that they ran."""
    root = tmp_path / "clone"
    commands = root / ".venv" / "bin"
    commands.mkdir(parents=True)
    for program in {hook["entry"].split()[0] for hook in HOOKS}:
        path = root / program
        path.write_text(f'#!/bin/sh\necho "{program} $*" >> ran\n', encoding="utf-8")
        path.chmod(0o755)
    shutil.copy(ROOT / ".pre-commit-config.yaml", root)
    for name in (
        "pyproject.toml",
        "serving/x.py",
        "pipelines/x.py",
        "docs/x.md",
        "images/Containerfile",
        "scripts/x.sh",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("", encoding="utf-8")
    (root / ".gitignore").write_text("/.venv/\n/ran\n", encoding="utf-8")
    return root


def _run(clone: Path, *command: str) -> list[str]:
    """What the commands of the environment wrote down."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PRE_COMMIT_HOME": str(clone.parent / "pre-commit"),
    }
    (clone / "ran").unlink(missing_ok=True)
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return (clone / "ran").read_text(encoding="utf-8").splitlines() if (clone / "ran").exists() else []


def test_hooks__run_at_a_commit_what_it_concerns_and_by_hand_all(clone: Path) -> None:
    pre_commit = (sys.executable, "-m", "pre_commit")
    _run(clone, "git", "init", "--quiet")
    _run(clone, "git", "add", ".")
    everything = _run(clone, *pre_commit, "run", "--all-files", "--hook-stage", "manual")
    assert [line.strip() for line in everything] == [hook["entry"] for hook in HOOKS]
    _run(clone, *pre_commit, "install")
    first = _run(clone, "git", "commit", "--quiet", "-m", "first")
    at_first = ["ruff", "ruff", "hadolint", "shellcheck", "lint-imports", "silencio"]
    assert [line.split()[0].rpartition("/")[2] for line in first] == at_first
    (clone / "docs" / "x.md").write_text("changed", encoding="utf-8")
    assert _run(clone, "git", "commit", "--quiet", "-a", "-m", "a page") == []
    (clone / "serving" / "x.py").write_text("changed", encoding="utf-8")
    code = _run(clone, "git", "commit", "--quiet", "-a", "-m", "code that no pipeline is made of")
    assert [line.split()[0].rpartition("/")[2] for line in code] == ["ruff", "ruff", "lint-imports"]
