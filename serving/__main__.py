"""`python -m serving up|predict|simulate|produce|consume`."""

from __future__ import annotations

import argparse

from silencio.command import command, exit_with


@command
def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands, and return its exit code."""
    options = parser().parse_args(arguments)
    return int(options.run(options))


def parser() -> argparse.ArgumentParser:
    """The parser of all the commands, each of which sets `run`."""
    from serving.local.up import add_up
    from serving.predict.command import add_predict
    from serving.simulate.command import add_simulate
    from serving.stream.commands import add_consume, add_produce

    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve a bundle, and ask one.")
    commands = parser.add_subparsers(dest="command", required=True)
    add_up(commands)
    add_predict(commands)
    add_simulate(commands)
    add_produce(commands)
    add_consume(commands)
    return parser


if __name__ == "__main__":
    exit_with(main)
