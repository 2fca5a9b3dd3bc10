"""`silencio bundle inspect|sign|verify DIR|schema`: what is in a bundle, whose it is, and the schema of bundle.json."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.errors import BundleError, SilencioError

if TYPE_CHECKING:
    from silencio.bundle.load import Bundle
    from silencio.console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """Verify or describe bundles."""
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="check every file and number, then describe the bundle")
    inspect.add_argument("directory", type=Path, metavar="DIR")
    inspect.set_defaults(run=_inspect)
    sign = commands.add_parser("sign", help="leave a signature of every file in the folder (extra signing)")
    sign.add_argument("directory", type=Path, metavar="DIR")
    sign.add_argument(
        "--key", required=True, type=Path, metavar="FILE", help="PEM, private, of the curve P-256 to P-521"
    )
    sign.add_argument("--password-file", type=Path, metavar="FILE", help="holds the key's password, where it has one")
    sign.set_defaults(run=_sign)
    verify = commands.add_parser("verify", help="check every file, and that one of these keys signed it")
    verify.add_argument("directory", type=Path, metavar="DIR")
    verify.add_argument(
        "--key", required=True, type=Path, metavar="FILE", help="PEM, public; several in one file are taken"
    )
    verify.set_defaults(run=_verify)
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


def _sign(options: argparse.Namespace) -> None:
    from silencio.bundle.signing import read_password, sign_bundle

    signature = sign_bundle(options.directory, options.key, read_password(options.password_file))
    sys.stdout.write(f"{signature}\n")


def _verify(options: argparse.Namespace) -> int:
    """Returns 0 for a bundle that one of the keys signed, 1 for any other."""
    from silencio.bundle.load import Bundle

    try:
        bundle = Bundle(options.directory, public_keys=options.key)
    except BundleError as error:
        sys.stderr.write(f"refused: {error}\n")
        return 1
    sys.stdout.write(f"bundle {bundle.manifest.version} is signed by key {bundle.signer}\n")
    return 0


def _describe(bundle: Bundle, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from silencio.bundle.manifest import SIGNATURE

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
        which = "recordings without their fold" if manifest.n_folds else "test recordings"
        table.add_row(which, f"{test['n_recordings']}{test_set}")
    for name, value in test.items():
        if isinstance(value, float):
            table.add_row(f"test {name}", f"{value:.3f}")
    for name in sorted(manifest.files):
        size = (bundle.directory / name).stat().st_size
        table.add_row("file", f"{name} {size / 1e6:.2f} MB {manifest.files[name][:12]}")
    is_signed = (bundle.directory / SIGNATURE).is_file()
    table.add_row("signature", "there; `bundle verify` says by which key" if is_signed else "none")
    table.add_row("licence", str(manifest.licences.get("verdict", "unknown")))
    table.add_row("parity", f"{len(bundle.parity.clips)} clips replayed, equal")
    console.print(table)
