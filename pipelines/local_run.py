"""Run the graph on this machine, by kfp.local: the very graph that is compiled for a cluster."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kfp import local

from pipelines.step_log import StepLog
from pipelines.train import train_pipeline
from silencio.config import resolve
from silencio.errors import PipelineError
from silencio.evaluation.results import Evaluation


@dataclass(frozen=True)
class TrainedRun:
    """What a run leaves.

    Attributes:
        bundle: The bundle's folder.
        evaluation: Figures on the test part.
        log: Everything that the steps printed.
    """

    bundle: Path
    evaluation: Evaluation
    log: Path


def run_train(data: str, preset: str, config: str, overrides: Sequence[str], out: Path) -> TrainedRun:
    """Run `train` and put its bundle at `out/bundle`.

    Args:
        data: A folder in BirdCLEF's layout, or `demo`.
        preset: Names the graph.
        config: YAML of the configuration.
        overrides: Laid over it.
        out: Gets `bundle`, `evaluation.json`, `run.log` and the artifacts of every step under `artifacts`.

    Raises:
        ConfigError: The configuration cannot be used; nothing has run.
        PipelineError: A step failed; the message ends with its reason.
    """
    resolved = resolve(config, overrides=overrides)
    pipeline = train_pipeline(preset, resolved, config)
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    log = StepLog(out / "run.log")
    data = data if data == "demo" else str(Path(data).resolve())
    _prepare_environment()
    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(out / "artifacts"),
        workspace_root=tempfile.mkdtemp(prefix="silencio-workspace-"),
    )
    try:
        with log:
            task = pipeline(
                data=data, config=config, overrides=list(overrides), code_version=code_version(), image="local"
            )
    except RuntimeError as error:
        if not log.failed_step:
            raise
        raise PipelineError(
            f"{log.traceback}\n\nEverything the steps printed is in {out / 'run.log'}\n"
            f"step {log.failed_step} failed: {log.reason or error}"
        ) from error
    bundle = _publish(Path(task.outputs["bundle"].path), out / "bundle")
    evaluation = Evaluation.load(Path(task.outputs["evaluation"].path))
    evaluation.save(out / "evaluation.json")
    return TrainedRun(bundle, evaluation, out / "run.log")


def code_version() -> str:
    """The commit that runs, with `-changed` where files differ from it; `unknown` outside a checkout."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here)]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if commit.returncode:
        return "unknown"
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False)
    return commit.stdout.strip() + ("-changed" if changed.stdout.strip() else "")


def _publish(made: Path, bundle: Path) -> Path:
    """Copy beside, then swap: a reader of `bundle` never sees half of one."""
    fresh = bundle.with_name(".bundle-new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(made, fresh)
    if bundle.exists():
        old = bundle.with_name(".bundle-old")
        shutil.rmtree(old, ignore_errors=True)
        bundle.rename(old)
        fresh.rename(bundle)
        shutil.rmtree(old)
    else:
        fresh.rename(bundle)
    return bundle


def _prepare_environment() -> None:
    """Steps are subprocesses here and inherit the environment; what kfp says of images and of Kubernetes is no news."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    # glibc gives the memory of every STFT back to the system and asks for it again: twice the time of a log-mel.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "33554432")
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "33554432")
    warnings.filterwarnings("ignore", module="kfp")
    logging.getLogger("kfp").setLevel(logging.ERROR)
