"""Artifacts: every one that a task is given exists where it comes from, is of a kind it takes, and one or a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.ir_check.package import ROOT, Dag, Fault, Package, at, definitions, given
from pipelines.ir_check.parameters import matches

# Takes any other, and is taken as any other: kfp's `dsl/types/type_utils.py`.
_GENERIC = "system.Artifact"


def artifact_edges(package: Package) -> Iterator[Fault]:
    """An artifact comes from an input of the graph or a task beside, as one or as a list.

    `backend/src/v2/driver/resolve.go` (`resolveInputArtifact`, `CollectInputs`). The backend looks at no kind: a model
    in a dataset's place would fail in the step; the SDK's rule is held here for graphs that it did not compile.
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            taken = definitions(package.component_of(task), "inputDefinitions", "artifacts")
            for word, source in given(task, "artifacts").items():
                where = f"{at(dag, name)}, artifact {word}"
                found = _source(package, dag, source, where)
                if isinstance(found, Fault):
                    yield found
                elif word not in taken:
                    yield Fault(where, "the component takes no such artifact", "take it out of the task")
                else:
                    yield from _mismatch(where, taken[word], *found)
            for word, definition in taken.items():
                if word not in given(task, "artifacts") and not definition.get("isOptional"):
                    yield Fault(f"{at(dag, name)}, artifact {word}", "it is given none", "hand one to the task")


def artifact_definitions(package: Package) -> Iterator[Fault]:
    """A kind of artifact is named by its title: the launcher records no `schemaUri`, and needs one of the two.

    `backend/src/v2/component/launcher_v2.go` (`getArtifactSchema`).
    """
    for name, component in {ROOT: package.spec.get("root", {}), **package.components}.items():
        for side in ("inputDefinitions", "outputDefinitions"):
            for word, definition in definitions(component, side, "artifacts").items():
                kind = definition.get("artifactType", {})
                if not (kind.get("schemaTitle") or kind.get("instanceSchema")):
                    what = f"its kind is given by {', '.join(kind) or 'nothing'}"
                    yield Fault(f"{name}, artifact {word}", what, "give schemaTitle, such as system.Dataset")


def graph_outputs(package: Package) -> Iterator[Fault]:
    """What a graph puts out is put out by a task in it, and has the type that the graph declares.

    `backend/src/v2/driver/resolve.go` (`GetProducerTask`): of several selectors of an artifact the last counts.
    """
    for dag in package.dags():
        outputs = dag.component["dag"].get("outputs", {})
        for word, output in outputs.get("parameters", {}).items():
            selectors = output.get("valueFromOneof", {}).get("parameterSelectors", [])
            for one in [*selectors, *([output["valueFromParameter"]] if "valueFromParameter" in output else [])]:
                yield from _graph_output(package, dag, word, one, "parameters", "outputParameterKey")
        for word, output in outputs.get("artifacts", {}).items():
            selectors = output.get("artifactSelectors", [])
            for one in selectors:
                yield from _graph_output(package, dag, word, one, "artifacts", "outputArtifactKey")
            if len(selectors) != 1:
                what = f"{len(selectors)} tasks are named for it, and the driver takes the last"
                yield Fault(f"{dag.name}, output {word}", what, "put out the artifact of one task")


def _graph_output(
    package: Package, dag: Dag, word: str, selector: Mapping[str, Any], kind: str, key_name: str
) -> Iterator[Fault]:
    where, key = f"{dag.name}, output {word}", selector.get(key_name, "")
    producer = dag.tasks.get(selector.get("producerSubtask", ""))
    declared = definitions(dag.component, "outputDefinitions", kind).get(word)
    made = definitions(package.component_of(producer or {}), "outputDefinitions", kind).get(key)
    if producer is None:
        yield Fault(where, f"there is no task {selector.get('producerSubtask')!r} in it", "name one that it has")
    elif made is None:
        yield Fault(where, f"{selector['producerSubtask']} puts out no {key!r}", "name an output that it has")
    elif declared is None:
        yield Fault(where, "the graph declares no such output", "declare it in outputDefinitions")
    elif kind == "parameters" and declared.get("parameterType") != "LIST":
        # A loop's own declaration is of the list that is collected outside.
        wanted, found = declared.get("parameterType", ""), made.get("parameterType", "")
        if not matches(wanted, found):
            yield Fault(
                where, f"it is declared {wanted} and {selector['producerSubtask']} makes {found}", "make them one"
            )


def _source(package: Package, dag: Dag, source: Mapping[str, Any], where: str) -> tuple[str, bool] | Fault:
    """Title of the kind, and whether it is a list; what is wrong with the source."""
    if "componentInputArtifact" in source:
        definition = dag.inputs("artifacts").get(source["componentInputArtifact"])
        if definition is None:
            what = f"{dag.name} has no input artifact {source['componentInputArtifact']!r}"
            return Fault(where, what, "declare it there, or name one that it has")
        return _kind(definition), bool(definition.get("isArtifactList"))
    output = source.get("taskOutputArtifact")
    if output is None:
        what = f"the driver resolves no {', '.join(source) or 'nothing'}"
        return Fault(where, what, "give an input artifact or a task's output")
    producer, key = dag.tasks.get(output.get("producerTask", "")), output.get("outputArtifactKey", "")
    if producer is None:
        what = f"there is no task {output.get('producerTask')!r} beside it"
        return Fault(where, what, "name a task of the same graph, or collect what a loop made")
    made = definitions(package.component_of(producer), "outputDefinitions", "artifacts").get(key)
    if made is None:
        return Fault(where, f"{output['producerTask']} puts out no artifact {key!r}", "name one that it has")
    return _kind(made), bool(made.get("isArtifactList")) or "parameterIterator" in producer


def _kind(definition: Mapping[str, Any]) -> str:
    return str(definition.get("artifactType", {}).get("schemaTitle", _GENERIC))


def _mismatch(where: str, taken: Mapping[str, Any], kind: str, is_list: bool) -> Iterator[Fault]:
    if is_list and not taken.get("isArtifactList"):
        what = "a list is given where one artifact is taken, and the launcher fetches the first alone"
        yield Fault(where, what, "take Input[List[…]]")
    elif taken.get("isArtifactList") and not is_list:
        yield Fault(where, "one artifact is given where a list is taken", "collect what a loop made (dsl.Collected)")
    if _GENERIC not in (kind, _kind(taken)) and kind != _kind(taken):
        yield Fault(where, f"it takes {_kind(taken)} and is given {kind}", "hand it an artifact of its kind")
