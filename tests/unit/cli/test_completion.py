"""What a shell offers next."""

from __future__ import annotations

import argparse

import pytest

from silencio.cli.completion import suggestions


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="silencio model")
    commands = parser.add_subparsers()
    fetch = commands.add_parser("fetch", help="have one")
    fetch.add_argument("alias", choices=["champion", "challenger"])
    fetch.add_argument("--format", choices=("table", "json"), default="table", help="default: %(default)s")
    fetch.add_argument("--out", metavar="DIR", help="a folder")
    fetch.add_argument("--force", action="store_true", help="replace it")
    fetch.add_argument("--secret", help=argparse.SUPPRESS)
    commands.add_parser("list", help="name all")
    return parser


def test_suggestions__are_subcommands_with_their_help(parser: argparse.ArgumentParser) -> None:
    assert suggestions(parser, [], "") == [("fetch", "have one"), ("list", "name all")]
    assert suggestions(parser, [], "l") == [("list", "name all")]


def test_suggestions__are_options_with_defaults_filled_in(parser: argparse.ArgumentParser) -> None:
    assert suggestions(parser, ["fetch"], "--fo") == [("--format", "default: table"), ("--force", "replace it")]


def test_suggestions__hold_nothing_that_help_hides(parser: argparse.ArgumentParser) -> None:
    assert suggestions(parser, ["fetch"], "--s") == []


def test_suggestions__after_an_option_are_its_values(parser: argparse.ArgumentParser) -> None:
    assert suggestions(parser, ["fetch", "--format"], "") == [("table", None), ("json", None)]


def test_suggestions__after_an_option_of_the_users_own_value_are_none(parser: argparse.ArgumentParser) -> None:
    """The shell's own: files."""
    assert suggestions(parser, ["fetch", "--out"], "") == []


def test_suggestions__after_a_flag_are_what_may_follow(parser: argparse.ArgumentParser) -> None:
    assert suggestions(parser, ["fetch", "--force"], "ch") == [("champion", None), ("challenger", None)]
