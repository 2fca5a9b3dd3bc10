"""`silencio run NAME` and `silencio plan NAME`: a pipeline on this machine."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any

from pipelines.cli.options import add_configuration, add_earlier, check_text, configuration
from pipelines.local.containers import Launcher, launcher_in
from pipelines.local.launcher import StepLauncher
from silencio.errors import SilencioError
from silencio.extras import require

# Files that failed; all of them are in the table.
_SHOWN = 20
# What takes steps of a pipeline seconds to import, in the order in which they need it. The process that imports it
# begins first of all: so it does while this one imports what it needs itself.
IMPORTED_BY_STEPS = {
    "train": ("silencio.config", "silencio.registry.runs", "silencio.training.fit", "timm"),
    "batch_score": ("silencio.steps.batch_score",),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Run a pipeline on this machine, or take up one that was stopped."""
    pipelines = parser.add_subparsers(dest="pipeline", required=True)
    train = pipelines.add_parser("train", help="from recordings to a bundle")
    _add_train(train)
    train.set_defaults(run=_run_train)
    score = pipelines.add_parser("batch_score", help="score a whole archive with a bundle")
    score.add_argument("--data", required=True, metavar="PLACE", help="a folder, s3:// prefix or zip of recordings")
    score.add_argument("--bundle", required=True, metavar="DIR", help="a folder or an s3:// prefix")
    score.add_argument("--out", required=True, type=Path, metavar="DIR", help="gets scores/, the log and all artifacts")
    score.add_argument("--shards", type=int, default=0, metavar="N", help="steps of their own; default: by size")
    score.add_argument(
        "--truncated",
        choices=("note", "refuse"),
        default="note",
        help="what becomes of cut files; default: %(default)s",
    )
    score.set_defaults(run=_run_batch_score)


def configure_plan(parser: argparse.ArgumentParser) -> None:
    """List which steps `run` would run, and why; run nothing."""
    pipelines = parser.add_subparsers(dest="pipeline", required=True)
    train = pipelines.add_parser("train", help="from recordings to a bundle")
    _add_train(train)
    train.set_defaults(run=_plan_train)


def _add_train(train: argparse.ArgumentParser) -> None:
    add_configuration(train, data_required=True)
    train.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="gets the bundle, the report, the log and all artifacts"
    )
    add_earlier(train)
    train.add_argument(
        "--image",
        default="",
        metavar="NAME",
        help="steps run in containers of it, as on a cluster; default: as processes",
    )


def _run_batch_score(options: argparse.Namespace) -> int:
    require("train", "pipelines", needed_by="silencio run")
    with StepLauncher(options.out, IMPORTED_BY_STEPS["batch_score"]) as launcher:
        return _score(options, launcher)


def _score(options: argparse.Namespace, launcher: StepLauncher) -> int:
    from pipelines.batch_score_run import run_batch_score
    from pipelines.step_tables import times_table
    from silencio.console import Console

    check_text(options)
    console = Console()
    run = run_batch_score(
        options.data, options.bundle, options.out, options.shards, options.truncated, launcher=launcher
    )
    console.print(times_table(run.times))
    counts = ", ".join(f"{n} {status}" for status, n in run.counts.items() if status != "files")
    console.print(f"{run.counts['files']} files: {counts}; {run.audio_s / 3600:.2f} hours of sound")
    for file, reason in run.failed[:_SHOWN]:
        console.print(f"- {file}: {reason}", soft_wrap=True)
    if len(run.failed) > _SHOWN:
        console.print(f"- and {len(run.failed) - _SHOWN} more")
    console.print(f"Scores: {run.scores}", soft_wrap=True)
    return 0


def _run_train(options: argparse.Namespace) -> int:
    # Steps are processes of their own, and would end one by one.
    require("train", "pipelines", needed_by="silencio run")
    with _launcher(options) as launcher:
        return _train(options, launcher)


def _launcher(options: argparse.Namespace) -> Launcher:
    if not options.image:
        return StepLauncher(options.out, IMPORTED_BY_STEPS["train"])
    from components.image import pinned

    places = (options.data, options.previous, options.champion)
    return launcher_in(pinned(options.image, "--image"), options.out, places)


def _train(options: argparse.Namespace, launcher: Launcher) -> int:
    from pipelines.step_tables import times_table
    from pipelines.train_output import PAGES, evaluated_table
    from pipelines.train_run import run_train
    from silencio.console import Console
    from silencio.registry.runs import runs_page

    run, console = run_train(**_train_arguments(options), launcher=launcher), Console()
    console.print(times_table(run.times))
    console.print(evaluated_table(run, console.width))
    console.print("Taxon columns are top-1.")
    what = f"the {run.evaluation.bundle_row}" if "other_bundle" in run.pages else "it"
    console.print(
        f"The gates passed {what}:" if run.verdict.passed else f"The gates refused {what}, so it is not registered:"
    )
    for reason in sorted(run.verdict.reasons, key=lambda one: (one.passed, not one.decides, not one.applies)):
        console.print(f"- {reason.message}", soft_wrap=True, markup=False)
    for name, path in run.pages.items():
        console.print(f"{PAGES[name]}: {path}", soft_wrap=True)
    with contextlib.suppress(SilencioError):  # the run is done, whether its server still answers or not
        console.print(f"Runs: {runs_page()}", soft_wrap=True)
    return 0


def _plan_train(options: argparse.Namespace) -> int:
    from pipelines.step_tables import plan_table
    from pipelines.train_run import plan_train
    from silencio.console import Console

    with _launcher(options) as launcher:
        Console().print(plan_table(plan_train(**_train_arguments(options), launcher=launcher)))
    return 0


def _train_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What `run_train` and `plan_train` take."""
    check_text(options)
    return {
        "data": options.data,
        "preset": options.preset,
        "config": configuration(options),
        "overrides": options.set,
        "out": options.out,
        "previous": options.previous,
        "champion": options.champion,
    }
