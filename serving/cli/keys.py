"""`silencio keys new NAME --keys FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from serving.access.keys import ROLES, add_key


def configure(parser: argparse.ArgumentParser) -> None:
    """Make API keys for clients of the server."""
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="make a key, print it once, append its hash to the keys file")
    new.add_argument("name", help="who will use it; appears in logs")
    new.add_argument("--keys", type=Path, required=True, metavar="FILE", help="the keys file; made where there is none")
    new.add_argument("--requests-per-minute", type=float, default=60.0, metavar="N", help="default: %(default)g")
    # As it was called before 0.1.0, and as the file's column is.
    new.add_argument("--requests_per_minute", type=float, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    new.add_argument("--burst", type=int, help="how many may come at once (default: what ten seconds allow)")
    new.add_argument("--role", choices=ROLES, default="app", help="what its holder may do; default: %(default)s")
    new.set_defaults(run=_new)


def _new(options: argparse.Namespace) -> int:
    key = add_key(options.keys, options.name, options.requests_per_minute, options.burst, options.role)
    sys.stdout.write(f"{key}\n")
    sys.stderr.write(f"The key of {options.name}: keep it now, it is stored nowhere. {options.keys} holds its hash.\n")
    return 0
