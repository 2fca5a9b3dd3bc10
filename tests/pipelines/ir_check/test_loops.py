"""Loops run over lists of parameters, and conditions are made of what the driver's CEL knows."""

import pytest

from tests.pipelines.ir_check.small import COMPONENTS, LOOP_TASKS, TASKS, Change, constant, drop, faults, inherited, put

LOOP = (*TASKS, "loop")
PART = (*LOOP_TASKS, "part")
TAKES = (*COMPONENTS, "comp-loop", "inputDefinitions", "parameters")
ITERATOR = (*LOOP, "parameterIterator")


def over(raw: str) -> list[Change]:
    """The loop runs over a constant instead of an output."""
    return [
        put(*ITERATOR, "items", to={"raw": raw}),
        drop(*LOOP, "inputs", "parameters", "items"),
        drop(*TAKES, "items"),
    ]


CASES: dict[str, tuple[list[Change], str]] = {
    "over artifacts": (
        [put(*LOOP, "artifactIterator", to={"itemInput": "listed"})],
        "loop: loops over artifacts are not implemented: loop over numbers, and hand on the list",
    ),
    "under a label of its own": (
        [put(*LOOP, "taskInfo", "name", to="All shards")],
        "loop: the loop is labelled 'All shards', by which nobody finds what it made: let its label be its name "
        "(pipelines.named_groups)",
    ),
    "items go nowhere": (
        [put(*ITERATOR, "itemInput", to="thing")],
        "loop: its items go to 'thing', which the loop's graph does not take: declare it there",
    ),
    "over what it is not given": (
        [put(*ITERATOR, "items", "inputParameter", to="things")],
        "loop: it loops over 'things', which it is not given: give it the list",
    ),
    "over nothing": (
        [put(*ITERATOR, "items", to={})],
        "loop: it loops over '', which it is not given: give it the list",
    ),
    "over a number": (
        [put(*TAKES, "items", "parameterType", to="NUMBER_INTEGER")],
        "loop: it loops over items, which is a NUMBER_INTEGER: loop over a list: the component that makes it says `-> "
        "List[int]`",
    ),
    "over a constant that is no list": (
        over('{"a": 1}'),
        "loop: it loops over '{\"a\": 1}', which is no list in JSON: give a list",
    ),
    "over a constant that is no JSON": (
        over("[1,"),
        "loop: it loops over '[1,', which is no list in JSON: give a list",
    ),
    "over a constant of another type": (
        over('[1, "2"]'),
        "loop: the item '2' is a STRING where its graph takes NUMBER_INTEGER: loop over items of one type",
    ),
    "over nulls": (
        over("[null]"),
        "loop: the item None is a null where its graph takes NUMBER_INTEGER: loop over items of one type",
    ),
    "less than one at once": (
        [put(*LOOP, "iteratorPolicy", "parallelismLimit", to=-1)],
        "loop: parallelism -1 is no number of iterations: give 1 or more; 0 is all at once",
    ),
    "more at once than a number holds": (
        [put(*LOOP, "iteratorPolicy", "parallelismLimit", to=2**31)],
        "loop: parallelism 2147483648 is no number of iterations: give 1 or more; 0 is all at once",
    ),
    "a text at once": (
        [put(*LOOP, "iteratorPolicy", "parallelismLimit", to="2")],
        "loop: parallelism '2' is no number of iterations: give 1 or more; 0 is all at once",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_loop__fault_is_named(case: str) -> None:
    changes, message = CASES[case]
    assert message in faults(*changes)


def test_loop__component_of_two_loops_is_named() -> None:
    def twice(package: dict) -> None:
        tasks = package["spec"]["root"]["dag"]["tasks"]
        tasks["again"] = tasks["loop"]

    assert "comp-loop: loop, again all loop over it, and Argo takes one: give each its own" in faults(twice)


@pytest.mark.parametrize(
    "changes",
    [
        over("[1, 2.5]"),
        over("[]"),
        [put(*TAKES, "items", "parameterType", to="STRING")],
        [put(*LOOP, "iteratorPolicy", "parallelismLimit", to=2**31 - 1)],
        [put(*LOOP, "iteratorPolicy", "parallelismLimit", to=0)],
        [drop(*LOOP, "iteratorPolicy")],
    ],
    ids=["numbers", "nothing", "a text that holds a list", "many at once", "all at once", "no limit"],
)
def test_loop__that_the_backend_has_is_taken(changes: list[Change]) -> None:
    assert faults(*changes) == []


NUMBER = "inputs.parameter_values['number']"
NO_CEL = "of which the driver's CEL knows nothing: compare parameters with constants"
NONE = "is none that CEL parses over this task's parameters: compare parameters with constants"
CONDITIONS: dict[str, str] = {
    "inputs.parameter_values['size'] > 1": (
        "comp-loop/part: the condition asks for 'size', which the task is not given: give it to the task"
    ),
    'inputs.parameter_values["size"] > 1': (
        "comp-loop/part: the condition asks for 'size', which the task is not given: give it to the task"
    ),
    f"{NUMBER} is 1": f"comp-loop/part: the condition `{NUMBER} is 1` holds 'is', {NO_CEL}",
    f"len({NUMBER}) > 1": f"comp-loop/part: the condition `len({NUMBER}) > 1` holds 'len', {NO_CEL}",
    f"{NUMBER} > one": f"comp-loop/part: the condition `{NUMBER} > one` holds 'one', {NO_CEL}",
    f"({NUMBER} > 1": f"comp-loop/part: the condition `({NUMBER} > 1` {NONE}",
    f"{NUMBER} > 1)": f"comp-loop/part: the condition `{NUMBER} > 1)` {NONE}",
    "true": f"comp-loop/part: the condition `true` {NONE}",
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition__fault_is_named(condition: str) -> None:
    assert faults(put(*PART, "triggerPolicy", "condition", to=condition)) == [CONDITIONS[condition]]


@pytest.mark.parametrize(
    "condition",
    [
        f"int({NUMBER}) >= 1 && !({NUMBER} == 'it''s' || {NUMBER} != -2.5e-3)",
        f'double({NUMBER}) < 1.0 || string({NUMBER}) == "a b.c, is"',
        f"bool({NUMBER}) == true && {NUMBER} in [1, 2] && {NUMBER} != null && false == false",
        'parseJson(inputs.parameter_values["number"]).a <= 1',
    ],
)
def test_condition__of_kfp_s_own_kind_is_taken(condition: str) -> None:
    found = faults(put(*PART, "triggerPolicy", "condition", to=condition))
    assert found == (
        [] if ".a" not in condition else [f"comp-loop/part: the condition `{condition}` holds 'a', {NO_CEL}"]
    )


def test_condition__about_what_stands_beside_the_component_is_taken() -> None:
    number = put(*PART, "inputs", "parameters", "pipelinechannel--x", to=constant("a"))
    condition = put(*PART, "triggerPolicy", "condition", to="inputs.parameter_values['pipelinechannel--x'] == 'a'")
    assert faults(number, condition, put(*PART, "inputs", "parameters", "number", to=inherited("item"))) == []
