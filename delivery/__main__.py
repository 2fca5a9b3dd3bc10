"""Render overlays and hold what comes out against the code: `python -m delivery [OVERLAY ...]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from delivery.argocd import repository_path, with_sources
from delivery.checks import CHECKS, findings_of
from delivery.render import render
from silencio.command import command, exit_with
from silencio.console import Console
from silencio.errors import ConfigError

ROOT = Path(__file__).parents[1]
OVERLAYS = ROOT / "manifests" / "overlays"


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Check overlays.

    Returns:
        1 where a check has something against one, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    parser.add_argument(
        "overlays", nargs="*", type=Path, metavar="OVERLAY", help="folders; by default those in manifests/overlays"
    )
    options = parser.parse_args(arguments)
    overlays = options.overlays or sorted(one for one in OVERLAYS.iterdir() if one.is_dir())
    console, found = Console(), list[str]()
    for overlay in overlays:
        try:
            rendered = with_sources(render(overlay), lambda path: render(repository_path(ROOT, path)))
        except ConfigError as error:
            found.append(str(error))
            continue
        found += [f"{overlay.name}: {one}" for one in findings_of(rendered)]
        console.print(f"{overlay.name}: {len(rendered.objects)} objects, {len(CHECKS)} checks")
    for one in found:
        console.print(one)
    return 1 if found else 0


if __name__ == "__main__":
    exit_with(main)
