"""`silencio list`: what can be run."""

from __future__ import annotations

import argparse
import sys

from silencio.errors import SilencioError


def configure(parser: argparse.ArgumentParser) -> None:
    """Name the presets, their heads and what is compiled."""
    parser.set_defaults(run=_list)


def _list(options: argparse.Namespace) -> int:
    from rich.table import Table

    from pipelines.compile import COMPILED
    from silencio.config import preset_names, preset_text, resolve
    from silencio.console import Console

    table, broken = Table("preset", "heads", "compiled"), []
    for name in preset_names():
        try:
            heads = ", ".join(resolve(preset_text(name)).heads)
        except SilencioError as error:
            broken.append(f"error: preset {name}: {error}")
            continue
        compiled = ", ".join(sorted(path.name for path in COMPILED.glob(f"train-{name}-[0-9]*.yaml")))
        table.add_row(name, heads, compiled)
    Console().print(table)
    for sentence in broken:
        sys.stderr.write(f"{sentence}\n")
    return 1 if broken else 0
