"""`python -m serving.settings > docs/settings.md`."""

from __future__ import annotations

import sys

from silencio.command import command, exit_with


@command
def main() -> None:
    """Print it."""
    from serving.settings.page import page

    sys.stdout.write(page())


if __name__ == "__main__":
    exit_with(main)
