"""Run `train` on this machine."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.identity import local_image, run_identity
from pipelines.local_run import run_local
from pipelines.step_log import StepTime
from pipelines.train import train_pipeline
from silencio.config import resolve
from silencio.data.source import absolute
from silencio.errors import SilencioError
from silencio.evaluation.gates import Verdict
from silencio.evaluation.results import Evaluation

# What a checkout must not differ in for its commit to name what runs.
_CODE = ("src", "components", "pipelines", "requirements", "pyproject.toml")
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
        evaluation: Figures on the test part.
        verdict: What the gates said.
        log: Everything that the steps printed.
        times: How long each step took, and which were taken up from an earlier start.
    """

    bundle: Path
    evaluation: Evaluation
    verdict: Verdict
    log: Path
    times: list[StepTime]


def run_train(
    data: str,
    preset: str,
    config: str,
    overrides: Sequence[str],
    out: Path,
    *,
    previous: str = "",
    champion: str = "registry",
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
        previous: Bundle or ledger of an earlier run, whose recordings keep their parts.
        champion: Bundle that serves now, to be compared with; `registry` asks MLflow, `none` compares with nothing.

    Raises:
        ConfigError: The configuration cannot be used; nothing has run.
        StorageError: `out` cannot be written.
        PipelineError: Another run is at work in `out`.
        FailedStepError: A step failed; what others finished is kept.
        RunStopped: By a signal (Ctrl-C, SIGTERM, SIGHUP); no process of a step is left.
    """
    resolved = resolve(config, overrides=overrides)
    pipeline = train_pipeline(preset, resolved, config)
    image = local_image()
    arguments = {
        "data": absolute(data),
        "config": config,
        "overrides": list(overrides),
        "code_version": code_version(),
        "image": image,
        "previous": absolute(previous) if previous else "",
        "champion": champion if champion in ("registry", "none") else absolute(champion),
    }
    out = out.resolve()
    published = PUBLISHED | (PUBLISHED_OF_BOTH if resolved.student else {})
    run = run_local(pipeline, arguments, run_identity(image, resolved), out, published, _end_tracked_run)
    evaluation, verdict = Evaluation.load(out / "evaluation.json"), Verdict.load(out / "verdict.json")
    return TrainedRun(out / "bundle", evaluation, verdict, run.log, run.times)


def _end_tracked_run(run_key: str) -> None:
    """MLflow would show the run as running for ever."""
    from silencio.registry.runs import end_run

    # Where nobody answers, the next start of the command closes it.
    with contextlib.suppress(SilencioError):  # what ended the run is what the user has to hear
        end_run(run_key, failed=True)


def code_version() -> str:
    """The commit that runs, with `-changed` where files differ from it; `unknown` outside a checkout."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here)]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if commit.returncode:
        return "unknown"
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", *(f":/{name}" for name in _CODE)],
        capture_output=True,
        text=True,
        check=False,
    )
    return commit.stdout.strip() + ("-changed" if changed.stdout.strip() else "")
