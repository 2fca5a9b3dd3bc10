"""Run `train` on this machine."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.local.containers import ContainerLauncher, Launcher
from pipelines.local.identity import local_image, run_identity
from pipelines.local.log import StepTime
from pipelines.local.plan import PlannedStep
from pipelines.local.run import plan_local, run_local
from pipelines.train import train_pipeline
from silencio.bundle.load import Bundle
from silencio.config import resolve
from silencio.data.source import absolute, check_is_there
from silencio.errors import SilencioError, SourceError
from silencio.evaluation.gates import Verdict
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation
from silencio.provenance import CODE_VERSION, IMAGE
from silencio.registry.settings import NO_CHAMPION, REGISTRY
from silencio.storage import is_local, local_path

# What a checkout must not differ in for its commit to name what runs.
_CODE = ("src", "components", "pipelines", "requirements", "pyproject.toml")
# Steps that change nothing: a plan runs them.
_LOOKING = frozenset({"configure", "fetch-champion", "inputs-version"})
# Places at the top of a run's folder, by output of the pipeline.
PUBLISHED = {
    "bundle": "bundle",
    "evaluation": "evaluation.json",
    "verdict": "verdict.json",
    "report": "report.html",
}
# With a student: of the bundle that is not released, and of both.
PUBLISHED_OF_BOTH = {
    "other_bundle": "other-bundle",
    "other_report": "other-report.html",
    "bundles_page": "bundles.html",
    "bundles_table": "bundles.json",
}


@dataclass(frozen=True)
class TrainedRun:
    """What a run leaves.

    Attributes:
        bundle: The bundle's folder.
        evaluation: Metrics of the test set.
        verdict: The gates' verdict.
        log: Everything that the steps printed.
        times: How long each step took, and which were taken up from an earlier start.
        pages: Everything at the top of the folder, by the pipeline's output: a student's run leaves two bundles.
    """

    bundle: Path
    evaluation: Evaluation
    verdict: Verdict
    log: Path
    times: list[StepTime]
    pages: dict[str, Path]

    def other_rows(self) -> dict[str, Metrics]:
        """Metrics of the bundle that is not released, where its evaluation is not part of the released one's.

        A student's evaluation holds its teacher's metrics; an ensemble is evaluated before its student is made.
        """
        if "other_bundle" not in self.pages:
            return {}
        manifest = Bundle(self.pages["other_bundle"]).manifest
        name = manifest.bundle_row
        return {} if name in self.evaluation.rows else {name: Metrics(**manifest.metrics["test_by_row"][name])}


def run_train(
    data: str,
    preset: str,
    config: str,
    overrides: Sequence[str],
    out: Path,
    *,
    previous: str = "",
    champion: str = REGISTRY,
    launcher: Launcher | None = None,
) -> TrainedRun:
    """Run `train` and put what it makes at the top of `out`.

    Args:
        data: Where the recordings are, or `demo`.
        preset: Names the graph.
        config: YAML of the configuration.
        overrides: Laid over it.
        out: Gets `bundle`, `evaluation.json`, `verdict.json`, `report.html`, `run.log` and the artifacts of every step
            under `artifacts`; with a student the released bundle's, beside `other-bundle`, `other-report.html`,
            `bundles.html` and `bundles.json`.
        previous: Bundle or split history of an earlier run, whose split recordings keep.
        champion: Bundle that serves now, to be compared with; `registry` asks MLflow, `none` compares with nothing.
        launcher: See `run_local`.

    Raises:
        ConfigError: The configuration cannot be used; nothing has run.
        SourceError: A place of this machine that is named is not there; nothing has run.
        StorageError: `out` cannot be written.
        PipelineError: Another run is at work in `out`.
        FailedStepError: A step failed; what others finished is kept.
        RunStopped: By a signal (Ctrl-C, SIGTERM, SIGHUP); no process of a step is left.
    """
    resolved = resolve(config, overrides=overrides)
    pipeline = train_pipeline(preset, resolved, config)
    image = _image(launcher)
    arguments = _arguments(data, config, overrides, previous, champion)
    out = out.resolve()
    published = PUBLISHED | (PUBLISHED_OF_BOTH if resolved.student else {})
    identity, environment = run_identity(image), _environment(image, launcher)
    run = run_local(pipeline, arguments, identity, out, published, _end_tracked_run, environment, launcher)
    evaluation, verdict = Evaluation.load(out / "evaluation.json"), Verdict.load(out / "verdict.json")
    pages = {name: out / place for name, place in published.items()}
    return TrainedRun(out / "bundle", evaluation, verdict, run.log, run.times, pages)


def plan_train(
    data: str,
    preset: str,
    config: str,
    overrides: Sequence[str],
    out: Path,
    *,
    previous: str = "",
    champion: str = REGISTRY,
    launcher: Launcher | None = None,
) -> list[PlannedStep]:
    """List which steps `run_train` would run with the same arguments, and why; nothing is trained or recorded.

    Raises:
        ConfigError: The configuration cannot be used.
        SourceError: A place of this machine that is named is not there.
        PipelineError: A run is at work in `out`.
        FailedStepError: A step that looks at settings, recordings or the champion failed.
    """
    pipeline = train_pipeline(preset, resolve(config, overrides=overrides), config)
    arguments = _arguments(data, config, overrides, previous, champion)
    assumed = {"open-run": {"Output": ""}}
    identity = run_identity(_image(launcher))
    return plan_local(pipeline, arguments, identity, out.resolve(), _LOOKING, assumed, launcher)


def _arguments(data: str, config: str, overrides: Sequence[str], previous: str, champion: str) -> dict[str, Any]:
    """Of the pipeline; what a slip names is reported before anything runs."""
    check_is_there(data)
    earlier = {"--previous": previous, "--champion": "" if champion in (REGISTRY, NO_CHAMPION) else champion}
    for option, place in earlier.items():
        if place and is_local(place) and not local_path(place).exists():
            raise SourceError(f"{option} {place} is not there: name the folder of a bundle")
    return {
        "data": absolute(data),
        "config": config,
        "overrides": list(overrides),
        "previous": absolute(previous) if previous else "",
        "champion": champion if champion in (REGISTRY, NO_CHAMPION) else absolute(champion),
    }


def _end_tracked_run(run_key: str) -> None:
    """MLflow would show the run as running for ever."""
    from silencio.registry.runs import end_run

    # Where nobody answers, the next start of the command closes it.
    with contextlib.suppress(SilencioError):  # what ended the run is what the user has to see
        end_run(run_key)


def _image(launcher: Launcher | None) -> str:
    return launcher.image if isinstance(launcher, ContainerLauncher) else local_image()


def _environment(image: str, launcher: Launcher | None) -> dict[str, str]:
    """The steps' own provenance; an image's own word stays where it, and no checkout, runs."""
    commit = "" if isinstance(launcher, ContainerLauncher) else code_version()
    return {IMAGE: image, **({CODE_VERSION: commit} if commit else {})}


def code_version() -> str:
    """The commit that runs, with `-changed` where files differ from it; empty where this file is in no checkout."""
    # Installed below another project's folder, it would else be that project's commit.
    if not _git("ls-files", "--error-unmatch", "--", __file__):
        return ""
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--", *(f":/{name}" for name in _CODE))
    return commit and commit + ("-changed" if changed else "")


def _git(*arguments: str) -> str:
    """What git answers, here; empty where it refuses, or there is none."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return "" if done.returncode else done.stdout.strip()
