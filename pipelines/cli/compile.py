"""`silencio compile`, `silencio check` and `silencio cluster`: pipelines as a KFP host takes them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.cli.options import add_profile, check_text
from pipelines.queues import in_queue
from silencio.interpreter import silencio


def configure(parser: argparse.ArgumentParser) -> None:
    """Write the YAML that a KFP host runs."""
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a committed file is stale")
    parser.add_argument("--out", type=Path, metavar="DIR", help="gets the files, if not pipelines/compiled")
    add_profile(parser)
    parser.add_argument("--no-claim", action="store_true", help="recordings lie in S3: mount no volume claim")
    parser.set_defaults(run=_compile)


def configure_check(parser: argparse.ArgumentParser) -> None:
    """Hold compiled pipelines against what a KFP host's backend takes."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="compiled; default: those that are committed"
    )
    parser.set_defaults(run=_check)


def configure_cluster(parser: argparse.ArgumentParser) -> None:
    """Print what a cluster must provide, as docs/cluster.md has it."""
    parser.set_defaults(run=_cluster)


@in_queue
def _compile(options: argparse.Namespace) -> int:
    from pipelines.compile import COMPILED, compile_all, stale_files
    from pipelines.resources import Cluster
    from silencio.console import Console
    from silencio.errors import ConfigError

    check_text(options)
    cluster = Cluster(options.resources, not options.no_claim)
    if (cluster != Cluster() or options.queue) and (options.check or not options.out):
        words = "--resources, --no-claim and --queue need --out"
        raise ConfigError(f"{words}: the files that are committed are for every cluster")
    if not options.check:
        console = Console()
        for path in compile_all(options.out or COMPILED, cluster):
            console.print(f"wrote {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
        return 0
    stale = stale_files()
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}; run {silencio()} compile and commit the result\n")
    return 1 if stale else 0


def _check(options: argparse.Namespace) -> int:
    from pipelines.compile import COMPILED
    from pipelines.ir_check import faults_in
    from silencio.console import Console

    check_text(options)
    files = options.files or sorted(COMPILED.glob("*.yaml"))
    n_faults = 0
    for path in files:
        faults = faults_in(path)
        n_faults += len(faults)
        for fault in faults:
            sys.stderr.write(f"{path.name}: {fault}\n")
    if n_faults:
        sys.stderr.write(f"{n_faults} faults that a KFP host would find: correct them and compile anew\n")
        return 1
    Console().print(f"{len(files)} compiled pipelines: a KFP host takes all of them")
    return 0


def _cluster(options: argparse.Namespace) -> int:
    from pipelines.cluster_objects import page

    sys.stdout.write(page())
    return 0
