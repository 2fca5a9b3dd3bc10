"""`python -m serving.transformer.openapi > docs/openapi.json`."""

from __future__ import annotations

import sys

from silencio.command import command, exit_with


@command
def main() -> None:
    """Print the description."""
    from serving.transformer.openapi import openapi_text

    sys.stdout.write(openapi_text())


if __name__ == "__main__":
    exit_with(main)
