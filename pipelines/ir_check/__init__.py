"""Whether a KFP host runs what was compiled: rules of the open-source backend that `kfp.local` does not hold.

Read from kubeflow/pipelines (driver, launcher, Argo compiler, API server) at 2.17; each rule names its source. Paths
`argocompiler/…` are below `backend/src/v2/compiler/`, `driver.go` and `resolve.go` in `backend/src/v2/driver/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.ir_check import (
    artifacts,
    caching,
    constants,
    graph,
    loops,
    names,
    parameters,
    pods,
    quantities,
    sizes,
)
from pipelines.ir_check.package import Fault, Package, read_package
from silencio.errors import PipelineError

RULES: tuple[Callable[[Package], Iterator[Fault]], ...] = (
    graph.references,
    graph.executors,
    graph.dependencies,
    graph.triggers,
    parameters.parameter_types,
    parameters.parameter_definitions,
    artifacts.artifact_edges,
    artifacts.artifact_definitions,
    artifacts.graph_outputs,
    constants.constants,
    constants.commands,
    constants.texts,
    constants.images,
    constants.provenance,
    loops.loops,
    loops.loop_labels,
    loops.loop_components,
    loops.conditions,
    caching.cache_keys,
    caching.equal_keys,
    caching.retries,
    names.pipeline_name,
    names.field_names,
    names.name_collisions,
    names.hashed_components,
    quantities.quantities,
    pods.environment,
    pods.volumes,
    pods.scheduling,
    sizes.workflow_size,
    sizes.argument_sizes,
)
# More are the same fault again.
_MAX_SHOWN = 10


def faults_of(package: Package) -> list[Fault]:
    """Everything that a KFP host would refuse or get wrong, without repetitions."""
    return list(dict.fromkeys(fault for rule in RULES for fault in rule(package)))


def faults_in(path: Path) -> list[Fault]:
    """As `faults_of`, of a compiled file, with what is wrong with its form.

    Raises:
        PipelineError: It is no compiled pipeline.
    """
    from pipelines.ir_check.schema import documents  # kfp's messages take half a second to import

    package = read_package(path)
    return [*documents(package), *faults_of(package)]


def refuse_faults(path: Path) -> None:
    """Let a compiled file pass that a KFP host runs.

    Raises:
        PipelineError: It does not; the message has a line a fault.
    """
    faults = faults_in(path)
    if not faults:
        return
    more = [f"and {len(faults) - _MAX_SHOWN} more"] if len(faults) > _MAX_SHOWN else []
    listed = "\n".join(f"- {one}" for one in [*map(str, faults[:_MAX_SHOWN]), *more])
    raise PipelineError(f"no KFP host would run {path.name} ({len(faults)} faults):\n{listed}")
