"""A commit's hooks and `make check` are one list of commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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
    assert at_commits == {"lint", "format", "layers", "compiled"}


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
