"""Caching and retries: a cached step is keyed by whatever its inputs depend on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.ir_check.package import ROOT, Dag, Fault, Package, at, claim_of, given

Sources = frozenset[str]
_NOTHING: Sources = frozenset()
_DURATION = re.compile(r"\d+(\.\d+)?s", re.ASCII)
_MAX_RETRIES = 100


def cache_keys(package: Package) -> Iterator[Fault]:
    """No cached step is answered with what an earlier run made of other inputs.

    The key (`backend/src/v2/cacheutils/cache.go`, `GenerateCacheKey`) holds parameters by value, artifacts by name, the
    names of volume claims (`backend/src/v2/driver/cache.go`), command, image and environment. Until MLMD was taken out
    of the backend, an artifact's name was the id of its row (`backend/src/v2/metadata/converter.go`,
    `toRuntimeArtifact`), which another start of its step changes; since then it is the name that the artifact has
    (`backend/src/v2/driver/common/common.go`, `ConvertArtifactToRuntimeArtifact`), which no start changes. So each
    source on which a cached step's inputs depend, over however many artifacts, has to be among those on which its
    parameters depend: inputs of the pipeline, and steps that are not cached (they look at what lies outside). Of a
    volume the key has the claim's name and not what lies there: a cached step that mounts one needs a parameter that a
    step made which mounts it and is not cached.
    """
    root = package.spec.get("root", {})
    own = {f"parameters/{word}": frozenset({f"input {word}"}) for word in Dag(ROOT, root).inputs("parameters")}
    if "dag" in root:
        yield from _walk(package, Dag(ROOT, root), own)[1]


def equal_keys(package: Package) -> Iterator[Fault]:
    """No two cached steps have the same key where what they are handed differs.

    The key has no name of a node (`backend/src/v2/cacheutils/cache.go`, `GenerateCacheKey`): of two nodes of one
    component with the same parameters, which only artifacts of the same names tell apart, the second is answered with
    the first one's result.
    """
    seen: dict[str, tuple[str, Any]] = {}
    for dag in package.dags():
        for name, task in dag.tasks.items():
            if "dag" in package.component_of(task) or not task.get("cachingOptions", {}).get("enableCache"):
                continue
            label = package.component_of(task).get("executorLabel", "")
            executor = package.spec.get("deploymentSpec", {}).get("executors", {}).get(label, {})
            artifacts = given(task, "artifacts")
            key = json.dumps([executor, given(task, "parameters"), sorted(artifacts)], sort_keys=True, default=str)
            first, handed = seen.setdefault(key, (name, artifacts))
            if handed != artifacts:
                what = f"its cache key is that of {first}, which is handed other artifacts"
                yield Fault(at(dag, name), what, "give each a parameter of its own, such as its name")


def retries(package: Package) -> Iterator[Fault]:
    """Retries are counted in whole numbers, and pauses are durations.

    `argocompiler/container.go` (`getTaskRetryParametersWithValues`); `google/protobuf/duration.proto`.
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            policy = task.get("retryPolicy", {})
            count = policy.get("maxRetryCount", 0)
            if not (isinstance(count, int) and 0 <= count <= _MAX_RETRIES):
                yield Fault(
                    at(dag, name), f"{count!r} retries are no number up to {_MAX_RETRIES}", "give a whole number"
                )
            for word in ("backoffDuration", "backoffMaxDuration"):
                if word in policy and not _DURATION.fullmatch(str(policy[word])):
                    yield Fault(at(dag, name), f"{word} {policy[word]!r} is no duration", "write it like 60s")


def _walk(package: Package, dag: Dag, own: Mapping[str, Sources]) -> tuple[dict[str, Sources], list[Fault]]:
    """What each task's outputs depend on, and the faults of the tasks.

    Args:
        package: The pipeline.
        dag: The graph whose tasks are walked.
        own: On what the graph's inputs depend, by `parameters/NAME` and `artifacts/NAME`.
    """
    made: dict[str, Sources] = {}
    faults: list[Fault] = []
    left = dict(dag.tasks)
    while left:
        ready = [name for name, task in left.items() if not _producers(task) & left.keys()]
        if not ready:
            break  # a circle: `graph.dependencies` says so
        for name in ready:
            task = left.pop(name)
            made[name] = _task(package, dag, name, task, own, made, faults)
    return made, faults


def _task(
    package: Package,
    dag: Dag,
    name: str,
    task: Mapping[str, Any],
    own: Mapping[str, Sources],
    made: Mapping[str, Sources],
    faults: list[Fault],
) -> Sources:
    inputs = {
        f"{kind}/{word}": _of(kind, source, own, made)
        for kind in ("parameters", "artifacts")
        for word, source in given(task, kind).items()
    }
    everything = _NOTHING.union(*inputs.values())
    component = package.component_of(task)
    if "dag" in component:
        if iterator := task.get("parameterIterator"):
            items = iterator.get("items", {}).get("inputParameter", "")
            inputs[f"parameters/{iterator.get('itemInput')}"] = inputs.get(f"parameters/{items}", _NOTHING)
        path = f"{dag.name}/{name}"
        if path.count("/") <= len(package.components):  # deeper, components hold one another: `graph.dependencies`
            inner, inner_faults = _walk(package, Dag(path, component), inputs)
            faults += inner_faults
            everything = everything.union(*inner.values())
        return everything
    mounted = _volumes(package, component)
    if not task.get("cachingOptions", {}).get("enableCache"):
        return everything | mounted | {f"step {name}"}
    keyed = _NOTHING.union(*(found for word, found in inputs.items() if word.startswith("parameters/")))
    if unseen := sorted(everything - keyed):
        what = f"it is cached, and {', '.join(unseen)} reaches it by artifacts alone, which the cache knows by name"
        faults.append(Fault(at(dag, name), what, "hand it on as a parameter too, or set_caching_options(False)"))
    if unseen := sorted(mounted - keyed):
        what = f"it is cached, and reads {', '.join(unseen)}, of which the cache knows the name alone"
        remedy = (
            "give it a parameter that a step without caching makes of what lies there, or set_caching_options(False)"
        )
        faults.append(Fault(at(dag, name), what, remedy))
    return everything


def _volumes(package: Package, component: Mapping[str, Any]) -> Sources:
    mounts = package.kubernetes.get(component.get("executorLabel", ""), {}).get("pvcMount", [])
    return frozenset(f"volume {claim_of(one)}" for one in mounts)


def _of(kind: str, source: Mapping[str, Any], own: Mapping[str, Sources], made: Mapping[str, Sources]) -> Sources:
    inherited = source.get("componentInputParameter") or source.get("componentInputArtifact")
    if inherited:
        return own.get(f"{kind}/{inherited}", _NOTHING)
    output = source.get("taskOutputParameter") or source.get("taskOutputArtifact") or {}
    return made.get(output.get("producerTask", ""), _NOTHING)


def _producers(task: Mapping[str, Any]) -> set[str]:
    sources = [*given(task, "parameters").values(), *given(task, "artifacts").values()]
    outputs = [source.get("taskOutputParameter") or source.get("taskOutputArtifact") or {} for source in sources]
    return {output.get("producerTask", "") for output in outputs}
