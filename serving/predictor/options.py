"""The predictor's settings on the command line; the environment says what is not given there."""

from __future__ import annotations

import argparse
import dataclasses
import functools

from serving.server.renamed_options import add_renamed_options
from silencio.bundle.graph import PROVIDERS
from silencio.errors import ConfigError
from silencio.settings import Settings

_WHOLE_NUMBERS = {
    "session_threads": "threads of one run of the graph",
    "n_workers": "runs of the graph at once",
    "max_batch_windows": "most windows of a run",
    "max_batch_delay_ms": "how long a run that is not full waits for more",
    "max_queued_windows": "most windows of one priority that wait; further ones are refused",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; a setting of the environment that cannot be used ends the program with one sentence."""
    try:
        settings = Settings()
    except ConfigError as error:
        parser.error(str(error))
    group = parser.add_argument_group("inference")
    group.add_argument(
        "--provider",
        default=settings.provider,
        help=f"what runs the graph: {', '.join(PROVIDERS)}; refused where it is not active (default: %(default)s)",
    )
    for name, text in _WHOLE_NUMBERS.items():
        group.add_argument(
            f"--{name}",
            type=functools.partial(_whole, minimum=0 if name == "max_batch_delay_ms" else 1),
            default=getattr(settings, name),
            metavar="N",
            help=f"{text} (default: %(default)s)",
        )

    add_renamed_options(
        parser,
        {
            "--most_batch_windows": "--max_batch_windows",
            "--most_wait_ms": "--max_batch_delay_ms",
            "--most_queued_windows": "--max_queued_windows",
        },
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings of the environment, with the options in their place."""
    given = {name: getattr(options, name) for name in ("provider", *_WHOLE_NUMBERS)}
    return dataclasses.replace(Settings(), **given)


def _whole(text: str, minimum: int) -> int:
    if text.isascii() and text.isdecimal() and int(text) >= minimum:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: a whole number of at least {minimum} is needed")
