"""Graphs: what tasks and components name is there, no one waits in a circle, and kinds are those of the backend."""

import pytest

from tests.pipelines.ir_check.small import (
    COMPONENTS,
    EXECUTORS,
    EXIT,
    LOOP_TASKS,
    TASKS,
    Change,
    drop,
    faults,
    made,
    put,
)

LOOP = (*TASKS, "loop")
PART = (*LOOP_TASKS, "part")
CASES: dict[str, tuple[list[Change], str]] = {
    "a component is not there": (
        [put(*PART, "componentRef", "name", to="comp-piece")],
        "comp-loop/part: there is no component 'comp-piece': name one that the file has",
    ),
    "a task names no component": (
        [drop(*PART, "componentRef")],
        "comp-loop/part: there is no component '': name one that the file has",
    ),
    "a task has no name to be shown": (
        [put(*PART, "taskInfo", to={})],
        "comp-loop/part: taskInfo has no name, and its driver ends with an error: give it one",
    ),
    "an executor is not there": (
        [put(*COMPONENTS, "comp-part", "executorLabel", to="exec-piece")],
        "comp-part: there is no executor 'exec-piece': name one that the file has",
    ),
    "a component does nothing": (
        [drop(*COMPONENTS, "comp-part", "executorLabel")],
        "comp-part: it has neither tasks nor an executor: give it one of both",
    ),
    "Kubernetes is asked something for nothing": (
        [put("kubernetes", "exec-piece", to={})],
        "exec-piece: Kubernetes has settings for it, and it is no executor: name one that the file has",
    ),
    "a resolver": (
        [put(*EXECUTORS, "exec-part", to={"resolver": {}})],
        "exec-part: resolvers are not implemented: make it a container",
    ),
    "a custom job": (
        [put(*EXECUTORS, "exec-part", to={"customJob": {}})],
        "exec-part: custom jobs are Google Cloud's alone: make it a container",
    ),
    "another kind of executor": (
        [put(*EXECUTORS, "exec-part", to={"notebook": {}})],
        "exec-part: of its kind (notebook) the backend knows nothing: make it a container",
    ),
    "no kind of executor": (
        [put(*EXECUTORS, "exec-part", to={})],
        "exec-part: of its kind (none) the backend knows nothing: make it a container",
    ),
    "a container without a command": (
        [put(*EXECUTORS, "exec-part", "container", to={"image": "a/b:1"})],
        "exec-part: it has no command, and the launcher ends with an error: give the container a command",
    ),
    "an importer under a condition": (
        [
            put(*EXECUTORS, "exec-part", to={"importer": {}}),
            put(*PART, "triggerPolicy", "condition", to="inputs.parameter_values['number'] > 1"),
        ],
        "comp-loop/part: an importer stands under a condition: put a step of your own in its place",
    ),
    "it waits for a task that is not there": (
        [put(*LOOP, "dependentTasks", to=["lost"])],
        "loop: it waits for 'lost', which is not there: name a task beside it",
    ),
    "tasks wait in a circle": (
        [put(*TASKS, "look", "dependentTasks", to=["list"])],
        "root: tasks wait in a circle (list → look → list): take one of the edges away",
    ),
    "artifacts go in a circle": (
        [
            put(
                *COMPONENTS,
                "comp-list",
                "inputDefinitions",
                "artifacts",
                "more",
                to={"artifactType": {"schemaTitle": "system.Artifact"}},
            ),
            put(*TASKS, "list", "inputs", "artifacts", "more", to=made("join", "scores")),
        ],
        "root: tasks wait in a circle (join → list → join): take one of the edges away",
    ),
    "a loop holds itself": (
        [put(*PART, "componentRef", "name", to="comp-loop")],
        "components: components hold one another in a circle (comp-loop → comp-loop): take one of the edges away",
    ),
    "a trigger that the backend has not": (
        [put(*TASKS, "tell", "triggerPolicy", "strategy", to="ANY")],
        f"tell: the trigger 'ANY' is none of the backend's: take {EXIT}, or none",
    ),
    "an exit task that nothing calls": (
        [drop(*TASKS, "tell", "dependentTasks")],
        "tell: an exit task waits for nothing, so nothing calls it: let it wait",
    ),
    "a graph of exit tasks": (
        [put(*PART, "triggerPolicy", "strategy", to=EXIT)],
        "comp-loop: it has no task that is not an exit task: put a task in it",
    ),
    "a graph without tasks": (
        [put(*LOOP_TASKS, to={})],
        "comp-loop: it has no task that is not an exit task: put a task in it",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_graph__fault_is_named(case: str) -> None:
    changes, message = CASES[case]
    assert message in faults(*changes)


TAKEN: dict[str, list[Change]] = {
    "an importer without a condition": [put(*EXECUTORS, "exec-part", to={"importer": {}})],
    "a trigger in words": [put(*LOOP, "triggerPolicy", "strategy", to="ALL_UPSTREAM_TASKS_SUCCEEDED")],
    "a command without arguments": [
        put(*EXECUTORS, "exec-part", "container", to={"image": "a/b:1", "command": ["python"]})
    ],
    "arguments without a command": [
        put(*EXECUTORS, "exec-part", "container", to={"image": "a/b:1", "args": ["--help"]})
    ],
}


@pytest.mark.parametrize("case", TAKEN)
def test_graph__what_the_compiler_takes_is_taken(case: str) -> None:
    assert faults(*TAKEN[case]) == []
