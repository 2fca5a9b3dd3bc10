"""The command `silencio`, which `python -m silencio` is as well."""

from __future__ import annotations

import sys
from typing import NoReturn

from silencio.command import command, exit_with


@command
def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: what the subcommand returns, or 2 where the command line cannot be read."""
    from silencio.cli.app import called

    work = called(sys.argv[1:] if arguments is None else arguments)
    return work if isinstance(work, int) else work()


def run() -> NoReturn:
    """Run it as a program."""
    exit_with(main)


if __name__ == "__main__":
    exit_with(main)
