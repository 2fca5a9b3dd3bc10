"""Loops and conditions, as far as the backend has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.ir_check.package import Fault, Package, at, definitions, given
from pipelines.ir_check.parameters import matches, type_of

_MAX_PARALLELISM = (1 << 31) - 1
# What kfp writes into conditions, and cel-go evaluates over an ExecutorInput.
_VALUE = re.compile(r"""inputs\.parameter_values\[\s*(?:'([^']*)'|"([^"]*)")\s*\]""")
_TOKEN = re.compile(
    r"""\s+|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"""
    r"""|&&|\|\||[=!<>]=|[<>!()\[\].,]|\b(?:true|false|null|in|int|double|string|bool|parseJson)\b"""
)


def loops(package: Package) -> Iterator[Fault]:
    """A loop runs over a list of parameters, an input of its own graph.

    `backend/src/v2/compiler/argocompiler/dag.go` ("artifact iterator not implemented yet"),
    `backend/src/v2/driver/dag.go`, `resolve.go` (`resolveInputs` of an iteration) and `util.go` (`getItems`: a list, or
    a text that holds one in JSON).
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            where = at(dag, name)
            if "artifactIterator" in task:
                yield Fault(
                    where, "loops over artifacts are not implemented", "loop over numbers, and hand on the list"
                )
            if "parameterIterator" in task:
                yield from _items(package, where, task, task["parameterIterator"])
            limit = task.get("iteratorPolicy", {}).get("parallelismLimit", 0)
            if not (isinstance(limit, int) and 0 <= limit <= _MAX_PARALLELISM):
                yield Fault(
                    where, f"parallelism {limit!r} is no number of iterations", "give 1 or more; 0 is all at once"
                )


def loop_labels(package: Package) -> Iterator[Fault]:
    """What a loop made is found: its label is its key.

    Drivers record a loop under its label (`taskInfo`) and look its outputs up by its key, which `dsl.Collected` names:
    kubeflow/pipelines, issue 13239. `backend/src/v2/driver/resolve.go` (`CollectInputs`).
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            label = task.get("taskInfo", {}).get("name", name)
            if "parameterIterator" in task and label != name:
                what = f"the loop is labelled {label!r}, by which nobody finds what it made"
                yield Fault(at(dag, name), what, "let its label be its name (pipelines.named_groups)")


def loop_components(package: Package) -> Iterator[Fault]:
    """A component is looped over by one task: Argo's template of its iterations is named by the component alone.

    `backend/src/v2/compiler/argocompiler/dag.go` (`iterationItemTask`: `addTemplate(…, componentName+"-"+name)`), and
    `argo.go` (`errAlreadyExists`).
    """
    looping: dict[str, list[str]] = {}
    for dag in package.dags():
        for name, task in dag.tasks.items():
            if "parameterIterator" in task:
                looping.setdefault(task.get("componentRef", {}).get("name", ""), []).append(at(dag, name))
    for component, tasks in looping.items():
        if len(tasks) > 1:
            yield Fault(component, f"{', '.join(tasks)} all loop over it, and Argo takes one", "give each its own")


def conditions(package: Package) -> Iterator[Fault]:
    """A condition is made of what the driver's CEL knows, about parameters that the task is given.

    `backend/src/v2/expression/expression.go` (`Condition`); kfp writes them in `compiler/pipeline_spec_builder.py`.
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            condition = task.get("triggerPolicy", {}).get("condition")
            if condition:
                yield from _condition(at(dag, name), task, condition)


def _items(package: Package, where: str, task: Mapping[str, Any], iterator: Mapping[str, Any]) -> Iterator[Fault]:
    taken = definitions(package.component_of(task), "inputDefinitions", "parameters")
    item, items = iterator.get("itemInput", ""), iterator.get("items", {})
    if item not in taken:
        yield Fault(where, f"its items go to {item!r}, which the loop's graph does not take", "declare it there")
    if "raw" in items:
        yield from _constant_items(where, items["raw"], taken.get(item, {}).get("parameterType", ""))
        return
    name = items.get("inputParameter", "")
    if name not in given(task, "parameters"):
        yield Fault(where, f"it loops over {name!r}, which it is not given", "give it the list")
    elif taken.get(name, {}).get("parameterType", "LIST") not in ("LIST", "STRING"):
        what = f"it loops over {name}, which is a {taken[name]['parameterType']}"
        yield Fault(where, what, "loop over a list: the component that makes it says `-> List[int]`")


def _constant_items(where: str, raw: str, wanted: str) -> Iterator[Fault]:
    try:
        items = json.loads(raw)
    except ValueError:
        items = None
    if not isinstance(items, list):
        yield Fault(where, f"it loops over {raw!r}, which is no list in JSON", "give a list")
        return
    for value in items:
        if wanted and not matches(wanted, type_of(value)):
            what = f"the item {value!r} is a {type_of(value) or 'null'} where its graph takes {wanted}"
            yield Fault(where, what, "loop over items of one type")


def _condition(where: str, task: Mapping[str, Any], condition: str) -> Iterator[Fault]:
    for match in _VALUE.finditer(condition):
        name = match[1] or match[2]
        if name not in given(task, "parameters"):
            what = f"the condition asks for {name!r}, which the task is not given"
            yield Fault(where, what, "give it to the task")
    rest = _TOKEN.sub("", _VALUE.sub("0", condition))
    if rest:
        what = f"the condition `{condition}` holds {rest!r}, of which the driver's CEL knows nothing"
        yield Fault(where, what, "compare parameters with constants")
    if condition.count("(") != condition.count(")") or not _VALUE.search(condition):
        what = f"the condition `{condition}` is none that CEL parses over this task's parameters"
        yield Fault(where, what, "compare parameters with constants")
