"""Every artifact exists where it comes from, is of a kind that its task takes, and one or a list."""

import pytest

from tests.pipelines.ir_check.small import (
    COMPONENTS,
    DATASET,
    LOOP_TASKS,
    MODEL,
    NUMBER,
    TASKS,
    Change,
    drop,
    faults,
    made,
    put,
)

JOIN = (*TASKS, "join", "inputs", "artifacts")
PART = (*LOOP_TASKS, "part", "inputs", "artifacts")
LOOP_OUTPUTS = (*COMPONENTS, "comp-loop", "dag", "outputs")
ROOT_OUTPUTS = ("spec", "root", "dag", "outputs")

CASES: dict[str, tuple[list[Change], str]] = {
    "an input of the graph is not there": (
        [put(*PART, "listed", to={"componentInputArtifact": "list"})],
        "comp-loop/part, artifact listed: comp-loop has no input artifact 'list': declare it there, or name one "
        "that it "
        "has",
    ),
    "a task is not there": (
        [put(*JOIN, "listed", to=made("lost", "listed"))],
        "join, artifact listed: there is no task 'lost' beside it: name a task of the same graph, or collect "
        "what a loop "
        "made",
    ),
    "an output is not there": (
        [put(*JOIN, "listed", to=made("list", "lists"))],
        "join, artifact listed: list puts out no artifact 'lists': name one that it has",
    ),
    "a source that the driver has not": (
        [put(*JOIN, "listed", to={"uri": "s3://x"})],
        "join, artifact listed: the driver resolves no uri: give an input artifact or a task's output",
    ),
    "no source": (
        [put(*JOIN, "listed", to={})],
        "join, artifact listed: the driver resolves no nothing: give an input artifact or a task's output",
    ),
    "the component does not take it": (
        [put(*JOIN, "model", to=made("list", "listed"))],
        "join, artifact model: the component takes no such artifact: take it out of the task",
    ),
    "it is given none": ([drop(*JOIN, "listed")], "join, artifact listed: it is given none: hand one to the task"),
    "a list is given where one is taken": (
        [drop(*COMPONENTS, "comp-join", "inputDefinitions", "artifacts", "parts", "isArtifactList")],
        "join, artifact parts: a list is given where one artifact is taken, and the launcher fetches the first alone: "
        "take Input[List[…]]",
    ),
    "one is given where a list is taken": (
        [put(*JOIN, "parts", to=made("list", "listed"))],
        "join, artifact parts: one artifact is given where a list is taken: collect what a loop made (dsl.Collected)",
    ),
    "a list of the graph is given where one is taken": (
        [put(*COMPONENTS, "comp-loop", "inputDefinitions", "artifacts", "listed", "isArtifactList", to=True)],
        "comp-loop/part, artifact listed: a list is given where one artifact is taken, and the launcher fetches "
        "the first "
        "alone: take Input[List[…]]",
    ),
    "another kind": (
        [put(*COMPONENTS, "comp-list", "outputDefinitions", "artifacts", "listed", to=MODEL)],
        "join, artifact listed: it takes system.Dataset and is given system.Model: hand it an artifact of its kind",
    ),
    "a kind that the launcher cannot record": (
        [
            put(
                *COMPONENTS,
                "comp-list",
                "outputDefinitions",
                "artifacts",
                "listed",
                to={"artifactType": {"schemaUri": "x"}},
            )
        ],
        "comp-list, artifact listed: its kind is given by schemaUri: give schemaTitle, such as system.Dataset",
    ),
    "no kind": (
        [put(*COMPONENTS, "comp-part", "inputDefinitions", "artifacts", "listed", to={})],
        "comp-part, artifact listed: its kind is given by nothing: give schemaTitle, such as system.Dataset",
    ),
    "a graph puts out what no task makes": (
        [put(*ROOT_OUTPUTS, "artifacts", "scores", "artifactSelectors", 0, "outputArtifactKey", to="score")],
        "root, output scores: join puts out no 'score': name an output that it has",
    ),
    "a graph puts out what a task makes that is not there": (
        [put(*LOOP_OUTPUTS, "parameters", "sizes", "valueFromParameter", "producerSubtask", to="piece")],
        "comp-loop, output sizes: there is no task 'piece' in it: name one that it has",
    ),
    "a graph does not declare what it puts out": (
        [drop("spec", "root", "outputDefinitions", "artifacts", "scores")],
        "root, output scores: the graph declares no such output: declare it in outputDefinitions",
    ),
    "a graph declares another type": (
        [put(*COMPONENTS, "comp-loop", "outputDefinitions", "parameters", "sizes", to={"parameterType": "BOOLEAN"})],
        "comp-loop, output sizes: it is declared BOOLEAN and part makes NUMBER_DOUBLE: make them one",
    ),
    "one of several parameters that is not there": (
        [
            put(
                *LOOP_OUTPUTS,
                *("parameters", "sizes"),
                to={
                    "valueFromOneof": {
                        "parameterSelectors": [
                            {"producerSubtask": "part", "outputParameterKey": "size"},
                            {"producerSubtask": "part", "outputParameterKey": "length"},
                        ]
                    }
                },
            )
        ],
        "comp-loop, output sizes: part puts out no 'length': name an output that it has",
    ),
    "one of several artifacts": (
        [
            put(
                *(*ROOT_OUTPUTS, "artifacts", "scores", "artifactSelectors"),
                to=[
                    {"producerSubtask": "join", "outputArtifactKey": "scores"},
                    {"producerSubtask": "list", "outputArtifactKey": "listed"},
                ],
            )
        ],
        "root, output scores: 2 tasks are named for it, and the driver takes the last: put out the artifact of "
        "one task",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_artifacts__fault_is_named(case: str) -> None:
    changes, message = CASES[case]
    assert message in faults(*changes)


GENERIC = {"artifactType": {"schemaTitle": "system.Artifact"}}
TAKEN: dict[str, list[Change]] = {
    "any artifact is taken as any": [
        put(*COMPONENTS, "comp-list", "outputDefinitions", "artifacts", "listed", to=GENERIC)
    ],
    "any kind is taken where any artifact is": [
        put(*COMPONENTS, "comp-part", "inputDefinitions", "artifacts", "listed", to=GENERIC)
    ],
    "an optional artifact is given nothing": [
        put(*COMPONENTS, "comp-join", "inputDefinitions", "artifacts", "more", to={**DATASET, "isOptional": True})
    ],
    "a schema in full": [
        put(
            *COMPONENTS,
            "comp-part",
            "inputDefinitions",
            "artifacts",
            "listed",
            to={"artifactType": {"instanceSchema": "title: x"}},
        )
    ],
    "an output that is a list": [
        put(*COMPONENTS, "comp-list", "outputDefinitions", "artifacts", "all", to={**DATASET, "isArtifactList": True}),
        put(*JOIN, "parts", to=made("list", "all")),
    ],
    "a whole number put out as a number": [
        put(*COMPONENTS, "comp-loop", "outputDefinitions", "parameters", "sizes", to=NUMBER)
    ],
}


@pytest.mark.parametrize("case", TAKEN)
def test_artifacts__what_the_driver_takes_is_taken(case: str) -> None:
    assert faults(*TAKEN[case]) == []
