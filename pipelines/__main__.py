"""`python -m pipelines run|compile|list`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from silencio.errors import SilencioError


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one message that says what was wrong."""
    options = _parser().parse_args(arguments)
    console = Console()
    try:
        if options.command == "run":
            return _run(options, console)
        if options.command == "compile":
            return _compile(options, console)
        return _list(console)
    except SilencioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines", description="Run and compile Silencio's pipelines.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a pipeline on this machine")
    run.add_argument("pipeline", choices=["train"])
    run.add_argument("--data", required=True, metavar="DIR|demo", help="a folder in BirdCLEF's layout, or demo")
    run.add_argument("--preset", required=True, metavar="NAME", help="a configuration that ships with the library")
    run.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="gets the bundle, the log and all artifacts"
    )
    run.add_argument("--config", type=Path, metavar="FILE", help="YAML that is laid over the preset")
    run.add_argument("--set", action="append", default=[], metavar="a.b=v", help="one value, laid over both")
    compile_ = commands.add_parser("compile", help="write the YAML that a KFP host runs")
    compile_.add_argument("--check", action="store_true", help="write nothing; fail if a committed file is stale")
    commands.add_parser("list", help="name the presets, their heads and what is compiled")
    return parser


def _run(options: argparse.Namespace, console: Console) -> int:
    from pipelines.local_run import run_train
    from silencio.config import preset_text, read_config_file, resolve
    from silencio.evaluation.results import results_table

    config = preset_text(options.preset)
    if options.config is not None:
        # Merged here, so that the run is given one text and the bundle keeps one configuration.
        config = resolve(config, over=read_config_file(options.config), overrides=options.set).to_yaml()
    run = run_train(options.data, options.preset, config, options.set, options.out)
    results = results_table(run.evaluation)
    table = Table(*results.columns, title=f"Test recordings ({run.evaluation.rows['ensemble'].n_recordings})")
    for _, row in results.iterrows():
        table.add_row(*(value if isinstance(value, str) else f"{value:.3f}" for value in row))
    console.print(table)
    console.print(f"Taxon columns are top-1. Bundle: {run.bundle}", soft_wrap=True)
    return 0


def _compile(options: argparse.Namespace, console: Console) -> int:
    from pipelines.compile import COMPILED, compile_all, stale_files

    if not options.check:
        for path in compile_all(COMPILED):
            console.print(f"wrote {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
        return 0
    stale = stale_files()
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}; run python -m pipelines compile and commit the result\n")
    return 1 if stale else 0


def _list(console: Console) -> int:
    from pipelines.compile import COMPILED
    from silencio.config import preset_names, preset_text, resolve

    table = Table("preset", "heads", "compiled")
    for name in preset_names():
        compiled = ", ".join(sorted(path.name for path in COMPILED.glob(f"train-{name}-*.yaml")))
        table.add_row(name, ", ".join(resolve(preset_text(name)).heads), compiled)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
