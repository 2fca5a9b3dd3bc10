"""Every parameter exists where it comes from, and has the type that its task takes."""

import pytest

from tests.pipelines.ir_check.small import (
    COMPONENTS,
    LOOP_TASKS,
    NUMBER,
    STRING,
    TASKS,
    Change,
    constant,
    drop,
    faults,
    inherited,
    output,
    put,
)

PART = (*LOOP_TASKS, "part", "inputs", "parameters")
JOIN = (*TASKS, "join", "inputs", "parameters")
LIST = (*TASKS, "list", "inputs", "parameters")
ITEM = (*COMPONENTS, "comp-loop", "inputDefinitions", "parameters", "item")
TELL = (*TASKS, "tell")
LOOP_ITEM = "loop-item"
TYPES = "BOOLEAN, LIST, NUMBER_DOUBLE, NUMBER_INTEGER, STRING, STRUCT, TASK_CONFIG, TASK_FINAL_STATUS"

CASES: dict[str, tuple[list[Change], str]] = {
    # The fault that stopped every compiled pipeline in its first loop (PEERS P1).
    "a loop's item is a text where a number is taken": (
        [
            put(*COMPONENTS, "comp-loop", "inputDefinitions", "parameters", LOOP_ITEM, to=STRING),
            put(*TASKS, "loop", "parameterIterator", "itemInput", to=LOOP_ITEM),
            drop(*ITEM),
            put(*PART, "number", to=inherited(LOOP_ITEM)),
        ],
        "comp-loop/part, parameter number: it takes NUMBER_INTEGER and is given STRING by loop-item: give both "
        "the same "
        "type (a component whose list is looped over says of what: `-> List[int]`)",
    ),
    "an output is of another type": (
        [put(*JOIN, "sizes", to=output("look"))],
        "join, parameter sizes: it takes LIST and is given STRING by look.Output: give both the same type",
    ),
    "a constant is of another type": (
        [put(*PART, "number", to=constant("1"))],
        "comp-loop/part, parameter number: it takes NUMBER_INTEGER and is given STRING by the constant '1': give "
        "both the "
        "same type",
    ),
    "a truth is no number": (
        [put(*PART, "number", to=constant(True))],
        "comp-loop/part, parameter number: it takes NUMBER_INTEGER and is given BOOLEAN by the constant True: "
        "give both "
        "the same type",
    ),
    "a dict is no list": (
        [put(*JOIN, "sizes", to=constant({}))],
        "join, parameter sizes: it takes LIST and is given STRUCT by the constant {}: give both the same type",
    ),
    "what a graph takes is not there": (
        [put(*LIST, "data", to=inherited("date"))],
        "list, parameter data: root has no input 'date': declare it there, or name one that it has",
    ),
    "what a loop takes is not there": (
        [put(*PART, "version", to=inherited("data"))],
        "comp-loop/part, parameter version: comp-loop has no input 'data': declare it there, or name one that it has",
    ),
    "an output's task is not there": (
        [put(*JOIN, "version", to=output("lok"))],
        "join, parameter version: there is no task 'lok' beside it: name a task of the same graph, or collect "
        "what a loop "
        "made",
    ),
    "an output is not there": (
        [put(*JOIN, "version", to=output("look", "Out"))],
        "join, parameter version: look puts out no parameter 'Out': name one that it has",
    ),
    "the component does not take it": (
        [put(*JOIN, "verison", to=output("look"))],
        "join, parameter verison: the component takes no such parameter: take it out of the task",
    ),
    "it is given no value": (
        [drop(*LIST, "data")],
        "list, parameter data: it is given no value: give it one, or declare a default",
    ),
    "a loop is given no list": (
        [put(*COMPONENTS, "comp-loop", "inputDefinitions", "parameters", "other", to=NUMBER)],
        "loop, parameter other: it is given no value: give it one, or declare a default",
    ),
    "null": (
        [put(*LIST, "data", to=constant(None))],
        "list, parameter data: null is no value of the backend's: leave the parameter out",
    ),
    "a runtime parameter": (
        [put(*LIST, "data", to={"runtimeValue": {"runtimeParameter": "data"}})],
        "list, parameter data: the driver resolves no runtimeValue: give a constant, an input or a task's output",
    ),
    "nothing at all": (
        [put(*LIST, "data", to={})],
        "list, parameter data: the driver resolves no nothing: give a constant, an input or a task's output",
    ),
    "an optional input without a default feeds what needs a value": (
        [put("spec", "root", "inputDefinitions", "parameters", "data", to={**STRING, "isOptional": True})],
        "list, parameter data: it needs a value, and a run may leave this input out: give the input a default",
    ),
    "a selector that CEL has not": (
        [put(*LIST, "data", "parameterExpressionSelector", to="value.x")],
        "list, parameter data: the driver's CEL has no `value.x` (`backend/src/v2/expression/expression.go`): "
        "select by "
        'parseJson(string_value)["key"]',
    ),
    "a selector that is followed by more": (
        [put(*LIST, "data", "parameterExpressionSelector", to='parseJson(string_value)["x"] + 1')],
        'list, parameter data: the driver\'s CEL has no `parseJson(string_value)["x"] + 1` '
        '(`backend/src/v2/expression/expression.go`): select by parseJson(string_value)["key"]',
    ),
    "the end of a task that it does not wait for": (
        [put(*TELL, "dependentTasks", to=["loop"])],
        "tell, parameter status: 'join' is no task that it waits for, and the driver takes the first of "
        "dependentTasks: "
        "let it wait for the task whose end it takes",
    ),
    "the end of a task that is not there": (
        [put(*TELL, "inputs", "parameters", "status", "taskFinalStatus", "producerTask", to="gone")],
        "tell, parameter status: 'gone' is no task that it waits for, and the driver takes the first of "
        "dependentTasks: "
        "let it wait for the task whose end it takes",
    ),
    "an end is told to a task that is no exit task": (
        [drop(*TELL, "triggerPolicy")],
        "tell, parameter status: only an exit task learns how another ended: make it the task of an ExitHandler",
    ),
    "an end is no text's number": (
        [put(*COMPONENTS, "comp-tell", "inputDefinitions", "parameters", "status", to=NUMBER)],
        "tell, parameter status: it takes NUMBER_INTEGER and is given TASK_FINAL_STATUS by taskFinalStatus: give "
        "both the "
        "same type",
    ),
    "a number with more digits than a double": (
        [put(*PART, "number", to=constant(2**53 + 1))],
        "comp-loop/part, parameter number: 9007199254740993 has more digits than the backend keeps (2^53): hand "
        "it on as "
        "a text",
    ),
    "a type that the backend has not": (
        [put(*COMPONENTS, "comp-part", "outputDefinitions", "parameters", "size", to={"parameterType": "FLOAT"})],
        f"comp-part, parameter size: the type 'FLOAT' is none of the backend's: one of {TYPES}",
    ),
    "a default of another type": (
        [put("spec", "root", "inputDefinitions", "parameters", "count", to={**NUMBER, "defaultValue": "2"})],
        "root, parameter count, default: it takes NUMBER_INTEGER and is given STRING by '2': give both the same type",
    ),
    "a default with more digits than a double": (
        [put("spec", "root", "inputDefinitions", "parameters", "count", to={**NUMBER, "defaultValue": -(2**60)})],
        "root, parameter count, default: -1152921504606846976 has more digits than the backend keeps (2^53): "
        "hand it on "
        "as a text",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_parameters__fault_is_named(case: str) -> None:
    changes, message = CASES[case]
    assert message in faults(*changes)


TAKEN: dict[str, list[Change]] = {
    "a text takes any other type, which the driver writes out": [put(*LIST, "version", to=constant([1]))],
    "a whole number where a number is taken": [
        put(*COMPONENTS, "comp-part", "inputDefinitions", "parameters", "number", to={"parameterType": "NUMBER_DOUBLE"})
    ],
    "a number where a whole number is taken": [put(*PART, "number", to=constant(1.5))],
    "the largest number that a double keeps": [put(*PART, "number", to=constant(-(2**53)))],
    "what a loop puts out is a list outside": [
        put(*COMPONENTS, "comp-loop", "outputDefinitions", "parameters", "sizes", to={"parameterType": "NUMBER_DOUBLE"})
    ],
    "what a condition needs beside the component": [put(*LIST, "pipelinechannel--count", to=inherited("count"))],
    "a selected item has the type that a run finds": [
        put(*PART, "number", to=inherited("version")),
        put(*PART, "number", "parameterExpressionSelector", to='parseJson(string_value)["a"][0]'),
    ],
    "an optional parameter is given nothing": [
        put(*COMPONENTS, "comp-list", "inputDefinitions", "parameters", "more", to={**STRING, "isOptional": True})
    ],
    "a parameter with a default is given nothing": [
        put(*COMPONENTS, "comp-list", "inputDefinitions", "parameters", "more", to={**STRING, "defaultValue": ""})
    ],
    "an optional input feeds what is optional too": [
        put("spec", "root", "inputDefinitions", "parameters", "note", to={**STRING, "isOptional": True}),
        put(*COMPONENTS, "comp-list", "inputDefinitions", "parameters", "note", to={**STRING, "isOptional": True}),
        put(*LIST, "note", to=inherited("note")),
    ],
}


@pytest.mark.parametrize("case", TAKEN)
def test_parameters__what_the_driver_takes_is_taken(case: str) -> None:
    assert faults(*TAKEN[case]) == []
