"""`silencio bundle inspect DIR|schema`: verify a bundle and list what is in it; the schema of bundle.json."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.errors import SilencioError

if TYPE_CHECKING:
    from silencio.bundle.load import Bundle
    from silencio.console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """Verify or describe bundles."""
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="check every file and number, then describe the bundle")
    inspect.add_argument("directory", type=Path, metavar="DIR")
    inspect.set_defaults(run=_inspect)
    schema = commands.add_parser("schema", help="print the JSON schema of bundle.json")
    schema.set_defaults(run=_schema)


def _schema(options: argparse.Namespace) -> int:
    from silencio.bundle.schema import bundle_schema

    sys.stdout.write(json.dumps(bundle_schema(), indent=1) + "\n")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    """Returns 0 for a bundle that may be deployed, 1 for one that may not."""
    from silencio.bundle.load import Bundle
    from silencio.console import Console

    try:
        bundle = Bundle(options.directory)
        bundle.verify()
    except SilencioError as error:
        sys.stderr.write(f"refused: {error}\n")
        return 1
    _describe(bundle, Console())
    return 0


def _describe(bundle: Bundle, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    manifest = bundle.manifest
    table = Table("what", "value", title=f"{manifest.name} {manifest.version}", title_justify="left")
    table.add_row("manifest", manifest.manifest_sha256[:12])
    verdict = {None: "none: a candidate", True: "passed", False: "refused"}[manifest.verdict.get("passed")]
    table.add_row("verdict of the gates", verdict)
    for outcome in ("too few to decide", "not asked"):
        gates = [gate["gate"] for gate in manifest.verdict.get("gates", []) if gate["outcome"] == outcome]
        if gates:
            table.add_row(f"gates: {outcome}", Text(", ".join(gates)))
    table.add_row("classes", f"{len(manifest.classes)} ({', '.join(sorted({s.class_name for s in manifest.classes}))})")
    table.add_row(
        "feature spec",
        f"{manifest.spec_sha256[:12]}  {manifest.spec.window_s:g} s at {manifest.spec.sample_rate_hz} Hz",
    )
    for entry in manifest.inputs:
        table.add_row("input", f"{entry.name} {entry.dtype} {list(entry.shape)}")
    for head in manifest.heads:
        table.add_row("head", f"{head.name}: {head.n_parameters:,} parameters, weight {head.weight:.2f}")
    test = manifest.metrics.get("test", {})
    if "n_recordings" in test:
        test_set = f", test set {manifest.test_set}" if manifest.test_set else ""
        table.add_row("test recordings", f"{test['n_recordings']}{test_set}")
    for name, value in test.items():
        if isinstance(value, float):
            table.add_row(f"test {name}", f"{value:.3f}")
    for name in sorted(manifest.files):
        size = (bundle.directory / name).stat().st_size
        table.add_row("file", f"{name} {size / 1e6:.2f} MB {manifest.files[name][:12]}")
    table.add_row("licence", str(manifest.licences.get("verdict", "unknown")))
    table.add_row("parity", f"{len(bundle.parity.clips)} clips replayed, equal")
    console.print(table)
