"""Parameters: every one that a task is given exists where it comes from, and has the type that the task takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.ir_check.package import Dag, Fault, Package, at, definitions, given

_NUMBERS = frozenset({"NUMBER_INTEGER", "NUMBER_DOUBLE"})
_TYPES = _NUMBERS | {"STRING", "BOOLEAN", "LIST", "STRUCT", "TASK_FINAL_STATUS", "TASK_CONFIG"}
# What a condition or a placeholder needs is given to a task beside what its component takes.
_CHANNEL = "pipelinechannel--"
_SELECTOR = re.compile(r"""parseJson\(string_value\)(\[("[^"]*"|'[^']*'|\d+)\])+""")
# Whole numbers above it lose digits in protobuf's double.
_MAX_EXACT = 1 << 53


def parameter_types(package: Package) -> Iterator[Fault]:
    """A value has the type that its task takes; the driver converts to text alone.

    `backend/src/v2/driver/resolve.go` (`handleParamTypeValidationAndConversion`, `resolveInputParameter`), since MLMD
    was taken out `backend/src/v2/driver/resolver/parameters.go` (`normalizeResolvedParameterValue`).
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            taken = definitions(package.component_of(task), "inputDefinitions", "parameters")
            for word, source in given(task, "parameters").items():
                where = f"{at(dag, name)}, parameter {word}"
                found, faults = _source(package, dag, task, source, where)
                yield from faults
                if word in taken:
                    yield from _mismatch(where, taken[word], found, _named(source))
                elif not word.startswith(_CHANNEL):
                    yield Fault(where, "the component takes no such parameter", "take it out of the task")
            yield from _missing(at(dag, name), task, taken)


def parameter_definitions(package: Package) -> Iterator[Fault]:
    """Types are those that the backend knows, and defaults have the type of their parameter.

    `backend/src/apiserver/template/v2_template.go` (`validatePipelineJobInputs`), `api/v2alpha1/pipeline_spec.proto`.
    """
    for name, component in {"root": package.spec.get("root", {}), **package.components}.items():
        for side in ("inputDefinitions", "outputDefinitions"):
            for word, definition in definitions(component, side, "parameters").items():
                where, kind = f"{name}, parameter {word}", definition.get("parameterType")
                if kind not in _TYPES:
                    yield Fault(
                        where, f"the type {kind!r} is none of the backend's", f"one of {', '.join(sorted(_TYPES))}"
                    )
                elif "defaultValue" in definition:
                    value = definition["defaultValue"]
                    yield from _mismatch(f"{where}, default", definition, type_of(value), f"{value!r}")
                    yield from inexact(f"{where}, default", value)


def type_of(value: Any) -> str:
    """The backend's type of a constant; "" of null."""
    kinds = {bool: "BOOLEAN", str: "STRING", list: "LIST", dict: "STRUCT", int: "NUMBER_DOUBLE", float: "NUMBER_DOUBLE"}
    return kinds.get(type(value), "")


def inexact(where: str, value: Any) -> Iterator[Fault]:
    """Numbers are doubles in protobuf's `Value`: `google/protobuf/struct.proto`, which the IR is made of."""
    if isinstance(value, int | float) and abs(value) > _MAX_EXACT:
        yield Fault(where, f"{value} has more digits than the backend keeps (2^53)", "hand it on as a text")


def matches(wanted: str, found: str) -> bool:
    """Whether the driver hands a value of this type to that parameter."""
    return wanted == "STRING" or wanted == found or {wanted, found} <= _NUMBERS


def _source(
    package: Package, dag: Dag, task: Mapping[str, Any], source: Mapping[str, Any], where: str
) -> tuple[str | None, list[Fault]]:
    """Type of what a source gives (None: only a run knows), and what is wrong with the source itself."""
    found, faults = _unselected(package, dag, task, source, where)
    if (selector := source.get("parameterExpressionSelector")) is None:
        return found, faults
    if not _SELECTOR.fullmatch(selector):
        what = f"the driver's CEL has no `{selector}` (`backend/src/v2/expression/expression.go`)"
        return None, [*faults, Fault(where, what, 'select by parseJson(string_value)["key"]')]
    return None, faults


def _unselected(
    package: Package, dag: Dag, task: Mapping[str, Any], source: Mapping[str, Any], where: str
) -> tuple[str | None, list[Fault]]:
    if "componentInputParameter" in source:
        parent = dag.inputs("parameters").get(source["componentInputParameter"])
        if parent is None:
            what = f"{dag.name} has no input {source['componentInputParameter']!r}"
            return None, [Fault(where, what, "declare it there, or name one that it has")]
        return parent.get("parameterType"), _null(where, parent, package, task)
    if "taskOutputParameter" in source:
        return _output(package, dag, source["taskOutputParameter"], where)
    if "taskFinalStatus" in source:
        return "TASK_FINAL_STATUS", _status(dag, task, source["taskFinalStatus"], where)
    if "constant" in source.get("runtimeValue", {}):
        value = source["runtimeValue"]["constant"]
        if value is None:
            return None, [Fault(where, "null is no value of the backend's", "leave the parameter out")]
        return type_of(value), list(inexact(where, value))
    kind = ", ".join(source) or "nothing"
    return None, [Fault(where, f"the driver resolves no {kind}", "give a constant, an input or a task's output")]


def _output(package: Package, dag: Dag, source: Mapping[str, Any], where: str) -> tuple[str | None, list[Fault]]:
    producer, key = dag.tasks.get(source.get("producerTask", "")), source.get("outputParameterKey", "")
    if producer is None:
        what = f"there is no task {source.get('producerTask')!r} beside it"
        return None, [Fault(where, what, "name a task of the same graph, or collect what a loop made")]
    output = definitions(package.component_of(producer), "outputDefinitions", "parameters").get(key)
    if output is None:
        return None, [Fault(where, f"{source['producerTask']} puts out no parameter {key!r}", "name one that it has")]
    # The driver gathers what a loop's iterations put out: resolve.go, CollectInputs.
    return ("LIST" if "parameterIterator" in producer else output.get("parameterType")), []


def _status(dag: Dag, task: Mapping[str, Any], status: Mapping[str, Any], where: str) -> list[Fault]:
    producer = status.get("producerTask")
    if producer not in dag.tasks or producer not in task.get("dependentTasks", []):
        what = f"{producer!r} is no task that it waits for, and the driver takes the first of dependentTasks"
        return [Fault(where, what, "let it wait for the task whose end it takes")]
    if task.get("triggerPolicy", {}).get("strategy") != "ALL_UPSTREAM_TASKS_COMPLETED":
        return [Fault(where, "only an exit task learns how another ended", "make it the task of an ExitHandler")]
    return []


def _null(where: str, parent: Mapping[str, Any], package: Package, task: Mapping[str, Any]) -> list[Fault]:
    """An optional input without a default is null where a run leaves it out (`ErrResolvedParameterNull`)."""
    if not parent.get("isOptional") or "defaultValue" in parent:
        return []
    word = where.rpartition(" ")[2]
    taken = definitions(package.component_of(task), "inputDefinitions", "parameters").get(word, {})
    if taken.get("isOptional", word not in definitions(package.component_of(task), "inputDefinitions", "parameters")):
        return []
    return [Fault(where, "it needs a value, and a run may leave this input out", "give the input a default")]


def _mismatch(where: str, taken: Mapping[str, Any], found: str | None, named: str) -> Iterator[Fault]:
    wanted = taken.get("parameterType", "")
    if found is not None and wanted and not matches(wanted, found):
        remedy = "give both the same type"
        if "loop-item" in named:
            remedy += " (a component whose list is looped over says of what: `-> List[int]`)"
        yield Fault(where, f"it takes {wanted} and is given {found or 'null'} by {named}", remedy)


def _missing(where: str, task: Mapping[str, Any], taken: Mapping[str, Any]) -> Iterator[Fault]:
    """`neither value nor default value provided for non-optional parameter` (resolve.go)."""
    item = task.get("parameterIterator", {}).get("itemInput")
    for word, definition in taken.items():
        needed = not definition.get("isOptional") and "defaultValue" not in definition
        if needed and word != item and word not in given(task, "parameters"):
            yield Fault(f"{where}, parameter {word}", "it is given no value", "give it one, or declare a default")


def _named(source: Mapping[str, Any]) -> str:
    if "taskOutputParameter" in source:
        output = source["taskOutputParameter"]
        return f"{output.get('producerTask')}.{output.get('outputParameterKey')}"
    if "constant" in source.get("runtimeValue", {}):
        return f"the constant {source['runtimeValue']['constant']!r}"
    return str(source.get("componentInputParameter") or ", ".join(source))
