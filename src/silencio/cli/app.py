"""The command line itself: typer's, whose subcommands are imported when they are called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import EntryPoint
from typing import Annotated, Any

import typer
from typer._click.shell_completion import CompletionItem
from typer.core import TyperCommand, TyperGroup

from silencio.cli.completion import suggestions
from silencio.cli.entries import PROGRAM, commands, parser_of, run, summary
from silencio.errors import SilencioError

# Of the command line itself, as argparse has it.
_USAGE = 2


class _Subcommand(TyperCommand):
    """One that reads its own arguments.

    Args:
        entry: Where it is.
    """

    def __init__(self, entry: EntryPoint) -> None:
        super().__init__(entry.name, add_help_option=False, rich_markup_mode=None)
        self._entry = entry

    def get_short_help_str(self, limit: int = 45) -> str:
        return summary(self._entry)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.args = args
        return args

    def invoke(self, ctx: Any) -> Callable[[], int]:
        """Not run here: typer has its own opinion of Ctrl-C and of pipes that close (`silencio.command` has ours)."""
        return partial(run, self._entry, list(ctx.args))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        try:
            parser = parser_of(self._entry)
        except (ImportError, SilencioError):  # an extra is missing: nothing to suggest, and no place to say so
            return []
        return [CompletionItem(word, help=text) for word, text in suggestions(parser, ctx.args, incomplete)]


class _Commands(TyperGroup):
    """All that are installed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in commands().values():
            self.add_command(_Subcommand(entry))


def _print_version(wanted: bool) -> None:
    if wanted:
        from silencio.version import installed_version

        typer.echo(f"{PROGRAM} {installed_version()}")
        raise typer.Exit


app = typer.Typer(name=PROGRAM, cls=_Commands, rich_markup_mode=None, add_completion=True)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Wildlife recordings to species: train, evaluate, serve, predict. COMMAND --help says what each takes."""


def called(arguments: list[str]) -> Callable[[], int] | int:
    """Which subcommand a command line calls.

    Args:
        arguments: Arguments without the program's name.

    Returns:
        What runs it, or a status where nothing is left to do (help was printed, or no such command was named).
    """
    group = typer.main.get_command(app)
    try:
        work: Callable[[], int] | int | None = group.main(arguments or ["--help"], PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message()
        end = "" if message.endswith((".", "?")) else "."
        sys.stderr.write(f"error: {message}{end} {PROGRAM} --help names all commands.\n")
        return _USAGE
    return work or (0 if arguments else _USAGE)
