"""What a shell may offer next on the command line of an `argparse` parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence


def suggestions(parser: argparse.ArgumentParser, words: Sequence[str], incomplete: str) -> list[tuple[str, str | None]]:
    """Subcommands, options, or the values of an option that has only a few.

    Args:
        parser: Parser of the command.
        words: That stand already, all of them whole.
        incomplete: The beginning of the next word; may be empty.

    Returns:
        Words, each with its help. None where a file, a folder or a value of the user's own comes next.
    """
    for word in words:
        for action in _subcommands(parser):
            if word in action.choices:
                parser = action.choices[word]
    found: list[tuple[str, str | None]]
    option = _option(parser, words[-1]) if words else None
    if option is not None and option.nargs != 0:
        found = [(str(choice), None) for choice in option.choices or ()]
    elif incomplete.startswith("-"):
        found = list(_options(parser))
    else:
        found = list(_positionals(parser))
    return [(word, text) for word, text in found if word.startswith(incomplete)]


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[argparse._SubParsersAction[argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield action


def _option(parser: argparse.ArgumentParser, word: str) -> argparse.Action | None:
    return next((action for action in parser._actions if word in action.option_strings), None)


def _options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str | None]]:
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            for text in action.option_strings:
                yield text, _help(parser, action)


def _positionals(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str | None]]:
    """Subcommands, or an argument that is one of a few."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield choice.dest, choice.help
        elif not action.option_strings:
            for value in action.choices or ():
                yield str(value), None


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str | None:
    """With its default filled in."""
    return parser._get_formatter()._expand_help(action) if action.help else None
