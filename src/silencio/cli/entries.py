"""Subcommands: found by their entry points, described without being imported, and loaded to be called."""

from __future__ import annotations

import ast
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points

from silencio.errors import ConfigError

GROUP = "silencio.commands"
PROGRAM = "silencio"


def commands() -> dict[str, EntryPoint]:
    """All that are installed, by name, in alphabetical order."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def summary(entry: EntryPoint) -> str:
    """The first line of its function's docstring, read from the source: nothing is imported.

    Args:
        entry: Entry point of the command.

    Returns:
        Without the full stop; empty where there is no source, or no docstring.
    """
    try:
        tree = ast.parse(_source(entry.module))
    except (ImportError, OSError, SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == entry.attr:
            return _first_line(ast.get_docstring(node))
    return ""


def extras_of(entry: EntryPoint) -> list[str]:
    """What stands in brackets behind it; `EntryPoint.extras` of Python 3.11 ends a name at its hyphen."""
    return re.findall(r"[\w.-]+", entry.value.partition("[")[2])


def parser_of(entry: EntryPoint) -> ArgumentParser:
    """Its parser, for which its module is imported.

    Args:
        entry: Entry point of the command.

    Raises:
        ConfigError: An extra that it needs is not installed.
    """
    with explained(entry):
        declare: Callable[[ArgumentParser], None] = entry.load()
        parser = ArgumentParser(prog=f"{PROGRAM} {entry.name}", description=_first_line(declare.__doc__))
        declare(parser)
    return parser


def parse(arguments: list[str]) -> Namespace:
    """What a command line says, for whoever wants to know that without running it.

    Args:
        arguments: The subcommand's name and what follows.

    Raises:
        ConfigError: There is no such subcommand, or an extra that it needs is not installed.
        SystemExit: Its own parser does not take the arguments.
    """
    name, *rest = arguments
    known = commands()
    if name not in known:
        raise ConfigError(f"{PROGRAM} has no command {name}: it has {', '.join(known)}")
    return parser_of(known[name]).parse_args(rest)


def run(entry: EntryPoint, arguments: list[str]) -> int:
    """Run a command.

    Args:
        entry: Entry point of the command.
        arguments: What follows its name.

    Returns:
        Its exit status.

    Raises:
        ConfigError: An extra that it needs is not installed.
        SystemExit: Its parser printed help, or does not take the arguments.
    """
    options = parser_of(entry).parse_args(arguments)
    with explained(entry):
        status: int | None = options.run(options)
    return status or 0


@contextmanager
def explained(entry: EntryPoint) -> Iterator[None]:
    """Name which extra to install where a module is missing for want of it.

    Args:
        entry: Entry point of the command that runs inside.

    Raises:
        ConfigError: A module is missing, and packages of the command's extras are.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        from silencio.extras import install_command, missing_packages

        extras = extras_of(entry)
        if not (missing := missing_packages(*extras)):
            raise
        raise ConfigError(
            f"{PROGRAM} {entry.name} needs packages that are not installed here ({', '.join(missing)}): "
            f"{install_command(*extras)}"
        ) from error


def _source(module: str) -> str:
    """Of a module, found without importing the packages around it; empty where there is none."""
    folders, name, loader = None, "", None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        found = PathFinder.find_spec(name, folders)
        if found is None:
            return ""
        folders, loader = found.submodule_search_locations, found.loader
    return (loader.get_source(name) or "") if isinstance(loader, InspectLoader) else ""


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0].rstrip(".")
