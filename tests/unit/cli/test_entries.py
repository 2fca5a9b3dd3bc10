"""Subcommands: found by entry points, described without being imported, loaded when they are called."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from silencio.cli.entries import GROUP, commands, extras_of, parse, parser_of, run, summary
from silencio.errors import ConfigError

ROOT = Path(__file__).parents[3]
MODULE = '''"""A command of somebody else's distribution."""

import {imported}

from pathlib import Path


def configure(parser):
    """Count recordings.

    Nothing of this is its help.
    """
    parser.add_argument("folder", type=Path)
    parser.set_defaults(run=lambda options: print(options.folder) or {status})
'''


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution of somebody else, which adds a command; its module is to be written."""
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\ncount = other_command:configure [train,serve-cpu]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "other_command.py"
    sys.modules.pop("other_command", None)


def test_commands__of_any_distribution_are_found_in_alphabetical_order(other: Path) -> None:
    names = list(commands())
    assert names == sorted(names)
    assert {"count", "run", "serve", "predict"} <= set(names)


def test_summary__is_read_without_importing_anything(other: Path) -> None:
    other.write_text(MODULE.format(imported="nothing_that_is_there", status=0))
    assert summary(commands()["count"]) == "Count recordings"
    assert "other_command" not in sys.modules


@pytest.mark.parametrize("content", ["", "def configure(parser):\n    pass\n", "def configure(:"])
def test_summary__that_cannot_be_read_is_empty(other: Path, content: str) -> None:
    other.write_text(content)
    assert summary(commands()["count"]) == ""


def test_summary__of_a_module_that_is_not_there_is_empty() -> None:
    assert summary(EntryPoint("count", "nothing.that.is.there:configure", GROUP)) == ""


def test_summary__every_command_of_ours_has_one() -> None:
    ours = [entry for entry in commands().values() if entry.dist is not None and entry.dist.name == "silencio"]
    assert [entry.name for entry in ours if not summary(entry)] == []
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert all(extras_of(entry) and set(extras_of(entry)) <= set(extras) for entry in ours)


@pytest.mark.parametrize("name", sorted(commands()))
def test_help__of_every_command_names_it_as_it_is_typed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parser_of(commands()[name]).parse_args(["--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: silencio {name} ")
    assert " ".join(summary(commands()[name]).split()) in " ".join(printed.split())


@pytest.mark.parametrize("status", [0, 3, None])
def test_run__returns_what_the_command_returns(
    other: Path, status: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    other.write_text(MODULE.format(imported="os", status=status))
    assert run(commands()["count"], ["FOLDER"]) == (status or 0)
    assert capsys.readouterr().out == "FOLDER\n"


def test_run__without_a_package_says_which_extra_to_install(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other.write_text(MODULE.format(imported="nothing_that_is_there", status=0))
    requirements = ["numpy", 'Nothing-That-Is-There>=2; extra == "train"', 'nor-this; extra == "serve"']
    monkeypatch.setattr(metadata, "requires", lambda name: requirements)
    with pytest.raises(ConfigError) as refused:
        run(commands()["count"], ["FOLDER"])
    assert str(refused.value).startswith(
        "silencio count needs packages that are not installed here (Nothing-That-Is-There): "
    )
    assert "[train,serve-cpu]" in str(refused.value) and "pip install" in str(refused.value)


def test_run__without_a_module_that_no_extra_has_is_a_mistake_of_its_own(other: Path) -> None:
    other.write_text(MODULE.format(imported="nothing_that_is_there", status=0))
    with pytest.raises(ModuleNotFoundError, match="nothing_that_is_there"):
        run(commands()["count"], ["FOLDER"])


def test_run__says_the_same_where_the_package_is_missing_later(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other.write_text(
        "def configure(parser):\n    parser.set_defaults(run=lambda options: __import__('nothing_that_is_there'))\n"
    )
    monkeypatch.setattr(metadata, "requires", lambda name: ['nothing-that-is-there; extra == "train"'])
    with pytest.raises(ConfigError, match=r"silencio count needs packages"):
        run(commands()["count"], [])


def test_parse__goes_no_further(other: Path) -> None:
    other.write_text(MODULE.format(imported="os", status=0))
    options = parse(["count", "FOLDER"])
    assert isinstance(options, argparse.Namespace) and options.folder == Path("FOLDER")
    with pytest.raises(ConfigError, match=r"silencio has no command cuont: it has .*count"):
        parse(["cuont"])
