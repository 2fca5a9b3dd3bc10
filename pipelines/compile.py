"""Compile pipelines to versioned YAML, and find out whether what is committed is still what the code says."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler

from components.image import VERSION
from pipelines.batch_score import NAME as BATCH_SCORE
from pipelines.batch_score import batch_score_pipeline
from pipelines.cluster_places import names_claim
from pipelines.deliver import NAME as DELIVER
from pipelines.deliver import deliver_pipeline
from pipelines.drift import NAME as DRIFT
from pipelines.drift import drift_pipeline
from pipelines.ir_check import refuse_faults
from pipelines.release import NAME as RELEASE
from pipelines.release import release_pipeline
from pipelines.resources import Cluster, made_for
from pipelines.step_process import supervised
from pipelines.train import train_pipeline
from silencio.config import preset_names, preset_text, resolve

COMPILED = Path(__file__).parent / "compiled"
# What they do is in their arguments; the heads of `train` decide its graph.
WITHOUT_CONFIGURATION: Mapping[str, Callable[[], Any]] = {
    BATCH_SCORE: batch_score_pipeline,
    RELEASE: release_pipeline,
    DELIVER: deliver_pipeline,
    DRIFT: drift_pipeline,
}


def compile_all(directory: Path, cluster: Cluster = Cluster()) -> list[Path]:  # noqa: B008  # it is frozen
    """Write one file for each preset of `train`, and one for each other pipeline, named by version.

    Args:
        directory: Gets the files.
        cluster: What steps ask for. The claim is mounted all the same for a preset that names files on it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for preset in preset_names():
        path = directory / f"train-{preset}-{VERSION}.yaml"
        text = preset_text(preset)
        resolved = resolve(text)
        claim = cluster.claim or names_claim(resolved.model_dump(mode="json"))
        with made_for(replace(cluster, claim=claim)):
            write_package(train_pipeline(preset, resolved, one_line(text)), path)
        written.append(path)
    for name, make in WITHOUT_CONFIGURATION.items():
        path = directory / f"{name}-{VERSION}.yaml"
        with made_for(cluster):
            write_package(make(), path)
        written.append(path)
    return written


def write_package(pipeline: Any, path: Path) -> None:
    """Compile a graph to YAML in which every step's process is `pipelines.step_process`, as it is on this machine.

    Args:
        pipeline: As `dsl.pipeline` makes it.
        path: Gets the YAML.

    Raises:
        PipelineError: No KFP host would run it (`pipelines.ir_check`); nothing is left at `path`.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = Path(folder) / path.name
        compiler.Compiler().compile(pipeline, str(compiled))
        lines = compiled.read_text(encoding="utf-8").splitlines(keepends=True)
        compiled.write_text("".join(supervised(line) for line in lines), encoding="utf-8")
        refuse_faults(compiled)
        shutil.copyfile(compiled, path)


def one_line(text: str) -> str:
    """YAML as JSON on one line: the compiler writes defaults into a comment, and a second line would end it."""
    return json.dumps(yaml.safe_load(text))


def stale_files(directory: Path = COMPILED) -> list[str]:
    """Names of the files that a compilation would change, add or leave without a source."""
    with tempfile.TemporaryDirectory() as fresh:
        wanted = {path.name: path.read_text(encoding="utf-8") for path in compile_all(Path(fresh))}
    found = {path.name: path.read_text(encoding="utf-8") for path in directory.glob(f"*-{VERSION}.yaml")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
