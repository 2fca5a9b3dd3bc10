"""A small pipeline, as KFP compiles it, in which tests plant faults: a look, a list, a loop, a join, an exit task."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from pipelines.ir_check import faults_of
from pipelines.ir_check.package import Package

Change = Callable[[dict[str, Any]], None]
DATASET = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
MODEL = {"artifactType": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}}
STRING, NUMBER = {"parameterType": "STRING"}, {"parameterType": "NUMBER_INTEGER"}
CACHED = {"enableCache": True}
EXIT = "ALL_UPSTREAM_TASKS_COMPLETED"
CLAIM = {"constant": "silencio-recordings", "mountPath": "/data"}
S3 = {
    "configMapName": "silencio-s3",
    "keyToEnv": [{"configMapKey": "endpoint", "envVar": "SILENCIO_S3_ENDPOINT"}],
    "optional": True,
}
KEYS = {
    "secretName": "silencio-s3",
    "keyToEnv": [{"secretKey": "accesskey", "envVar": "SILENCIO_S3_ACCESS_KEY"}],
    "optional": True,
}


def output(task: str, key: str = "Output") -> dict[str, Any]:
    return {"taskOutputParameter": {"producerTask": task, "outputParameterKey": key}}


def made(task: str, key: str) -> dict[str, Any]:
    return {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": key}}


def inherited(word: str) -> dict[str, Any]:
    return {"componentInputParameter": word}


def constant(value: Any) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def _task(name: str, parameters: Any = None, artifacts: Any = None, **more: Any) -> dict[str, Any]:
    component = {"name": f"comp-{name}"}
    inputs = {"parameters": parameters or {}, "artifacts": artifacts or {}}
    return {"componentRef": component, "taskInfo": {"name": name}, "cachingOptions": CACHED, "inputs": inputs, **more}


def _component(
    name: str, parameters: Any = None, artifacts: Any = None, out: Any = None, made_artifacts: Any = None
) -> dict[str, Any]:
    return {
        "executorLabel": f"exec-{name}",
        "inputDefinitions": {"parameters": parameters or {}, "artifacts": artifacts or {}},
        "outputDefinitions": {"parameters": out or {}, "artifacts": made_artifacts or {}},
    }


def _executor(name: str) -> dict[str, Any]:
    resources = {"resourceCpuRequest": "500m", "resourceMemoryRequest": "1G", "resourceMemoryLimit": "2G"}
    args = ["--executor_input", "{{$}}", "--function_to_execute", name]
    command = ["python", "-m", "pipelines.step_process"]
    return {"container": {"image": "silencio/train:0.1.0", "command": command, "args": args, "resources": resources}}


_VERSION = {"version": output("look")}
_LOOP = {
    "inputDefinitions": {
        "parameters": {"items": {"parameterType": "LIST"}, "item": NUMBER, "version": STRING},
        "artifacts": {"listed": DATASET},
    },
    "outputDefinitions": {"parameters": {"sizes": {"parameterType": "LIST"}}, "artifacts": {"parts": DATASET}},
    "dag": {
        "tasks": {
            "part": _task(
                "part",
                {"number": inherited("item"), "version": inherited("version")},
                {"listed": {"componentInputArtifact": "listed"}},
            )
        },
        "outputs": {
            "parameters": {"sizes": {"valueFromParameter": {"producerSubtask": "part", "outputParameterKey": "size"}}},
            "artifacts": {"parts": {"artifactSelectors": [{"producerSubtask": "part", "outputArtifactKey": "scores"}]}},
        },
    },
}
_SMALL: dict[str, Any] = {
    "spec": {
        "pipelineInfo": {"name": "small"},
        "schemaVersion": "2.1.0",
        "root": {
            "inputDefinitions": {
                "parameters": {"data": {**STRING, "defaultValue": "/data", "isOptional": True}, "count": NUMBER}
            },
            "outputDefinitions": {"artifacts": {"scores": DATASET}},
            "dag": {
                "tasks": {
                    "look": _task("look", {"data": inherited("data")}, cachingOptions={}),
                    "list": _task("list", {"data": inherited("data"), **_VERSION}),
                    "loop": _task(
                        "loop",
                        {"items": output("list"), **_VERSION},
                        {"listed": made("list", "listed")},
                        dependentTasks=["list", "look"],
                        parameterIterator={"itemInput": "item", "items": {"inputParameter": "items"}},
                        iteratorPolicy={"parallelismLimit": 2},
                    ),
                    "join": _task(
                        "join",
                        {"sizes": output("loop", "sizes"), **_VERSION},
                        {"listed": made("list", "listed"), "parts": made("loop", "parts")},
                        dependentTasks=["list", "loop"],
                    ),
                    "tell": _task(
                        "tell",
                        {"status": {"taskFinalStatus": {"producerTask": "join"}}},
                        cachingOptions={},
                        dependentTasks=["join"],
                        triggerPolicy={"strategy": EXIT},
                    ),
                },
                "outputs": {
                    "artifacts": {
                        "scores": {"artifactSelectors": [{"producerSubtask": "join", "outputArtifactKey": "scores"}]}
                    }
                },
            },
        },
        "components": {
            "comp-look": _component("look", {"data": STRING}, out={"Output": STRING}),
            "comp-list": _component(
                "list",
                {"data": STRING, "version": STRING},
                out={"Output": {"parameterType": "LIST"}},
                made_artifacts={"listed": DATASET},
            ),
            "comp-loop": _LOOP,
            "comp-part": _component(
                "part",
                {"number": NUMBER, "version": STRING},
                {"listed": DATASET},
                out={"size": {"parameterType": "NUMBER_DOUBLE"}},
                made_artifacts={"scores": DATASET},
            ),
            "comp-join": _component(
                "join",
                {"sizes": {"parameterType": "LIST"}, "version": STRING},
                {"listed": DATASET, "parts": {**DATASET, "isArtifactList": True}},
                made_artifacts={"scores": DATASET},
            ),
            "comp-tell": _component("tell", {"status": {"parameterType": "TASK_FINAL_STATUS"}}),
        },
        "deploymentSpec": {
            "executors": {f"exec-{name}": _executor(name) for name in ("look", "list", "part", "join", "tell")}
        },
    },
    "kubernetes": {
        "exec-look": {"pvcMount": [CLAIM], "configMapAsEnv": [S3], "secretAsEnv": [KEYS]},
        "exec-part": {
            "pvcMount": [CLAIM],
            "emptyDirMounts": [
                {"volumeName": "shared-memory", "mountPath": "/dev/shm", "medium": "Memory", "sizeLimit": "1Gi"}
            ],
            "nodeSelector": {"labels": {"silencio.io/pool": "gpu"}},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        },
    },
}
TASKS = ("spec", "root", "dag", "tasks")
COMPONENTS = ("spec", "components")
EXECUTORS = ("spec", "deploymentSpec", "executors")
LOOP_TASKS = (*COMPONENTS, "comp-loop", "dag", "tasks")
POD = ("kubernetes", "exec-part")


def put(*path: Any, to: Any) -> Change:
    """A change that sets what lies at a path, and makes what is missing on the way."""

    def change(package: dict[str, Any]) -> None:
        place: Any = package
        for step in path[:-1]:
            place = place[step] if isinstance(place, list) else place.setdefault(step, {})
        place[path[-1]] = copy.deepcopy(to)

    return change


def drop(*path: Any) -> Change:
    """A change that takes away what lies at a path."""

    def change(package: dict[str, Any]) -> None:
        place: Any = package
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def faults(*changes: Change) -> list[str]:
    """What the checker says of the small pipeline after these changes."""
    # Through JSON: what stands in it twice is changed in one place.
    package = json.loads(json.dumps(_SMALL))
    for change in changes:
        change(package)
    return [str(fault) for fault in faults_of(Package(package["spec"], package["kubernetes"]))]
