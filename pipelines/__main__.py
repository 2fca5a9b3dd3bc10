"""`python -m pipelines run|submit|compile|check|cluster|list`."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from silencio.command import command, exit_with
from silencio.errors import SilencioError
from silencio.interpreter import python
from silencio.registry.settings import NO_CHAMPION, REGISTRY

if TYPE_CHECKING:
    from silencio.console import Console

# Files that failed; all of them are in the table.
_SHOWN = 20


@command
def main(arguments: list[str] | None = None) -> int:
    """Returns 0, 1 after one message that says what was wrong, or 130 after one that says that it was stopped."""
    options = _parser().parse_args(arguments)
    from silencio.console import Console

    _check_text(options)
    commands = {
        "run": _run,
        "submit": _submit,
        "compile": _compile,
        "check": _check,
        "cluster": _cluster,
        "list": _list,
    }
    return commands[options.command](options, Console())


def _check_text(options: argparse.Namespace) -> None:
    """Arguments stand in JSON and YAML; of the data, whose folders others named, bytes are kept as escapes."""
    from silencio.errors import ConfigError
    from silencio.storage import escaped

    for name, value in vars(options).items():
        if name != "data" and isinstance(value, str | Path) and str(value) != escaped(str(value)):
            raise ConfigError(f"--{name} {escaped(str(value))} is not UTF-8: rename it, or name another")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines", description="Run and compile Silencio's pipelines.")
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="run a pipeline on this machine, or take up one that was stopped")
    pipelines = runs.add_subparsers(dest="pipeline", required=True)
    run = pipelines.add_parser("train", help="from recordings to a bundle")
    _add_configuration(run, data_required=True)
    run.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="gets the bundle, the report, the log and all artifacts"
    )
    _add_earlier(run)
    run.add_argument("--plan", action="store_true", help="run nothing; say which steps would run, and why")
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
    submit = commands.add_parser("submit", help="run a pipeline on a KFP host")
    submit.add_argument("pipeline", choices=["train"])
    _add_configuration(submit, data_required=False)
    _add_earlier(submit)
    submit.add_argument("--host", required=True, metavar="URL", help="of the KFP API, such as http://127.0.0.1:8888")
    submit.add_argument("--namespace", default="", metavar="NAME", help="of the user, where KFP serves several")
    submit.add_argument("--experiment", default="silencio", metavar="NAME", help="under which KFP lists the run")
    submit.add_argument("--image", metavar="NAME:TAG", help="in which the steps run, if not this version's")
    _add_profile(submit)
    submit.add_argument(
        "--claim",
        action=argparse.BooleanOptionalAction,
        help="mount the volume claim; default: where anything that is named may lie on it",
    )
    compile_ = commands.add_parser("compile", help="write the YAML that a KFP host runs")
    compile_.add_argument("--check", action="store_true", help="write nothing; fail if a committed file is stale")
    compile_.add_argument("--out", type=Path, metavar="DIR", help="gets the files, if not pipelines/compiled")
    _add_profile(compile_)
    compile_.add_argument("--no-claim", action="store_true", help="recordings lie in S3: mount no volume claim")
    check = commands.add_parser("check", help="hold compiled pipelines against what a KFP host's backend takes")
    check.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="compiled; default: those that are committed"
    )
    commands.add_parser("cluster", help="what a cluster must provide, as docs/cluster.md has it")
    commands.add_parser("list", help="name the presets, their heads and what is compiled")
    return parser


def _add_configuration(command: argparse.ArgumentParser, *, data_required: bool) -> None:
    command.add_argument(
        "--data",
        required=data_required,
        metavar="PLACE",
        help="a folder or s3:// prefix, Kaggle's zip, a manifest (.csv, .parquet), demo or instruments",
    )
    command.add_argument("--preset", required=True, metavar="NAME", help="a configuration that ships with the library")
    command.add_argument("--config", type=Path, metavar="FILE", help="YAML that is laid over the preset")
    command.add_argument("--set", action="append", default=[], metavar="a.b=v", help="one value, laid over both")


def _add_earlier(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--previous", default="", metavar="BUNDLE", help="its recordings keep their parts of the split"
    )
    command.add_argument(
        "--champion",
        default=REGISTRY,
        metavar=f"BUNDLE|{REGISTRY}|{NO_CHAMPION}",
        help="serves now: what the new one must not be worse than",
    )


def _add_profile(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--resources",
        # `pipelines.resources.PROFILES`, which imports kfp: seconds, in which no command answers.
        choices=("cpu", "gpu", "none"),
        default="",
        help="what steps ask the cluster for; none: nothing; default: what the preset needs",
    )


def _configuration(options: argparse.Namespace) -> str:
    """The preset, with `--config` laid over it: a run is given one text, and the bundle keeps one configuration."""
    from silencio.config import preset_text, read_config_file, resolve

    config = preset_text(options.preset)
    if options.config is not None:
        config = resolve(config, over=read_config_file(options.config), overrides=options.set).to_yaml()
    return config


def _run(options: argparse.Namespace, console: Console) -> int:
    return {"train": _run_train, "batch_score": _run_batch_score}[options.pipeline](options, console)


def _run_batch_score(options: argparse.Namespace, console: Console) -> int:
    from pipelines.batch_score_run import run_batch_score
    from pipelines.step_tables import times_table

    run = run_batch_score(options.data, options.bundle, options.out, options.shards, options.truncated)
    console.print(times_table(run.times))
    counts = ", ".join(f"{n} {status}" for status, n in run.counts.items() if status != "files")
    console.print(f"{run.counts['files']} files: {counts}; {run.audio_s / 3600:.2f} hours of sound")
    for file, reason in run.failed[:_SHOWN]:
        console.print(f"- {file}: {reason}", soft_wrap=True)
    if len(run.failed) > _SHOWN:
        console.print(f"- and {len(run.failed) - _SHOWN} more")
    console.print(f"Scores: {run.scores}", soft_wrap=True)
    return 0


def _run_train(options: argparse.Namespace, console: Console) -> int:
    from pipelines.step_tables import plan_table, times_table
    from pipelines.train_output import PAGES, evaluated_table
    from pipelines.train_run import plan_train, run_train
    from silencio.registry.runs import runs_page

    asked = (options.data, options.preset, _configuration(options), options.set, options.out)
    beside = {"previous": options.previous, "champion": options.champion}
    if options.plan:
        console.print(plan_table(plan_train(*asked, **beside)))
        return 0
    run = run_train(*asked, **beside)
    console.print(times_table(run.times))
    console.print(evaluated_table(run, console.width))
    console.print("Taxon columns are top-1.")
    what = f"the {run.evaluation.bundle_row}" if "other_bundle" in run.pages else "it"
    console.print(
        f"The gates passed {what}:" if run.verdict.passed else f"The gates refused {what}, so it is not registered:"
    )
    for reason in sorted(run.verdict.reasons, key=lambda one: (one.passed, not one.decides, not one.asked)):
        console.print(f"- {reason.message}", soft_wrap=True, markup=False)
    for name, path in run.pages.items():
        console.print(f"{PAGES[name]}: {path}", soft_wrap=True)
    with contextlib.suppress(SilencioError):  # the run is done, whether its server still answers or not
        console.print(f"Runs: {runs_page()}", soft_wrap=True)
    return 0


def _submit(options: argparse.Namespace, console: Console) -> int:
    from pipelines.submit import submit_train

    run = submit_train(
        options.host,
        options.preset,
        _configuration(options),
        options.set,
        data=options.data,
        previous=options.previous,
        champion=options.champion,
        resources=options.resources,
        claim=options.claim,
        image=options.image,
        namespace=options.namespace,
        experiment=options.experiment,
    )
    console.print(f"run {run.run_id} is at {run.link}", soft_wrap=True)
    return 0


def _compile(options: argparse.Namespace, console: Console) -> int:
    from pipelines.compile import COMPILED, compile_all, stale_files
    from pipelines.resources import Cluster
    from silencio.errors import ConfigError

    cluster = Cluster(options.resources, not options.no_claim)
    if cluster != Cluster() and (options.check or not options.out):
        raise ConfigError("--resources and --no-claim need --out: the files that are committed are for every cluster")
    if not options.check:
        for path in compile_all(options.out or COMPILED, cluster):
            console.print(f"wrote {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
        return 0
    stale = stale_files()
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}; run {python()} -m pipelines compile and commit the result\n")
    return 1 if stale else 0


def _check(options: argparse.Namespace, console: Console) -> int:
    from pipelines.compile import COMPILED
    from pipelines.ir_check import faults_in

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
    console.print(f"{len(files)} compiled pipelines: a KFP host takes all of them")
    return 0


def _cluster(options: argparse.Namespace, console: Console) -> int:
    from pipelines.cluster_objects import page

    sys.stdout.write(page())
    return 0


def _list(options: argparse.Namespace, console: Console) -> int:
    from rich.table import Table

    from pipelines.compile import COMPILED
    from silencio.config import preset_names, preset_text, resolve

    table, broken = Table("preset", "heads", "compiled"), []
    for name in preset_names():
        try:
            heads = ", ".join(resolve(preset_text(name)).heads)
        except SilencioError as error:
            broken.append(f"error: preset {name}: {error}")
            continue
        compiled = ", ".join(sorted(path.name for path in COMPILED.glob(f"train-{name}-[0-9]*.yaml")))
        table.add_row(name, heads, compiled)
    console.print(table)
    for sentence in broken:
        sys.stderr.write(f"{sentence}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    exit_with(main)
