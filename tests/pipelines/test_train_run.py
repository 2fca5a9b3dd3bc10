"""Which commit a run of this machine names, and what does not depend on it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines import train_run
from pipelines.train_run import code_version


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With this module as its own."""
    (tmp_path / "pipelines").mkdir()
    shutil.copy(train_run.__file__, tmp_path / "pipelines" / "train_run.py")
    git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(train_run, "__file__", str(tmp_path / "pipelines" / "train_run.py"))
    return tmp_path


def test_code_version__is_the_commit_and_marked_when_files_differ_from_it(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "one")
    assert code_version() == git(checkout, "rev-parse", "HEAD")
    (checkout / "notes.md").write_text("no code")
    assert code_version() == git(checkout, "rev-parse", "HEAD")
    (checkout / "pipelines" / "more.py").write_text("")
    assert code_version() == git(checkout, "rev-parse", "HEAD") + "-changed"


def test_code_version__is_no_other_project_s_below_which_this_is_installed(checkout: Path) -> None:
    (checkout / "own.py").write_text("")
    git(checkout, "add", "own.py")
    git(checkout, "commit", "--quiet", "--message", "of somebody else")
    assert code_version() == ""


def test_code_version__is_none_without_a_commit_a_checkout_or_git(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(checkout, "add", ".")
    assert code_version() == ""
    shutil.rmtree(checkout / ".git")
    assert code_version() == ""
    monkeypatch.setenv("PATH", str(checkout))
    assert code_version() == ""
