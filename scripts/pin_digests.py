"""Ask a registry for the digests of our images, and write them where staging and production want them."""

from __future__ import annotations

import argparse
from pathlib import Path

from delivery.digests import Registry, pin
from silencio.command import command, exit_with
from silencio.console import Console

OVERLAYS = Path(__file__).parents[1] / "manifests" / "overlays"


@command
def main() -> int:
    """Returns 0 when the file is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--overlay", required=True, metavar="NAME", help="staging or production")
    parser.add_argument("--registry", required=True, metavar="PLACE", help="as registry.example.org/silencio")
    parser.add_argument("--tag", required=True, help="of all of them, as 0.1.0")
    parser.add_argument("--plain-http", action="store_true", help="a registry without TLS, on this machine")
    parser.add_argument("--overlays", type=Path, default=OVERLAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    path = pin(options.overlays / options.overlay, Registry(options.registry, options.plain_http), options.tag)
    Console().print(f"{path}: commit it; what it pins is what `kubectl apply -k` will run")
    return 0


if __name__ == "__main__":
    exit_with(main)
