"""Options that have another name now: the old one is refused, and the message names the new one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any


class _Renamed(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        parser.error(f"{option_string} is called {self.const} now")


def add_renamed_options(parser: argparse.ArgumentParser, renamed: Mapping[str, str]) -> None:
    """Refuse old names of options by one sentence each; help does not list them.

    Args:
        parser: Declares the new names elsewhere.
        renamed: New name by old name, with their dashes.
    """
    for old, new in renamed.items():
        parser.add_argument(old, action=_Renamed, nargs="?", const=new, dest=argparse.SUPPRESS, help=argparse.SUPPRESS)
