"""No cached step is answered with what an earlier run made of other inputs."""

import pytest

from tests.pipelines.ir_check.small import (
    COMPONENTS,
    LOOP_TASKS,
    STRING,
    TASKS,
    Change,
    constant,
    drop,
    faults,
    inherited,
    put,
)

BY_NAME = (
    "reaches it by artifacts alone, which the cache knows by name: hand it on as a parameter too, or "
    "set_caching_options(False)"
)
BY_CLAIM = (
    "of which the cache knows the name alone: give it a parameter that a step without caching makes of what lies "
    "there, "
    "or set_caching_options(False)"
)
PART = (*LOOP_TASKS, "part")
JOIN_UNTOLD = [
    put(*TASKS, "join", "inputs", "parameters", "version", to=constant("1")),
    put(*TASKS, "join", "inputs", "parameters", "sizes", to=constant([])),
]
PART_UNTOLD = [
    put(*PART, "inputs", "parameters", "version", to=constant("1")),
    put(*PART, "inputs", "parameters", "number", to=constant(1)),
]
SEEN = "input data, step look, volume silencio-recordings"

CASES: dict[str, tuple[list[Change], str]] = {
    "a step after the first is told of the place alone": (
        JOIN_UNTOLD,
        f"join: it is cached, and {SEEN} {BY_NAME}",
    ),
    "a step in a loop": (
        PART_UNTOLD,
        f"root/loop/part: it is cached, and {SEEN} {BY_NAME}",
    ),
    "a step that mounts the volume": (
        PART_UNTOLD,
        f"root/loop/part: it is cached, and reads volume silencio-recordings, {BY_CLAIM}",
    ),
    "the step that looks is cached itself": (
        [put(*TASKS, "look", "cachingOptions", to={"enableCache": True})],
        f"look: it is cached, and reads volume silencio-recordings, {BY_CLAIM}",
    ),
    "the step that looks has not the volume": (
        [drop("kubernetes", "exec-look", "pvcMount")],
        f"root/loop/part: it is cached, and reads volume silencio-recordings, {BY_CLAIM}",
    ),
    "the step that looks has another volume": (
        [put("kubernetes", "exec-look", "pvcMount", 0, "constant", to="other")],
        f"root/loop/part: it is cached, and reads volume silencio-recordings, {BY_CLAIM}",
    ),
    "what another step without caching made": (
        [
            put(*TASKS, "list", "cachingOptions", to={}),
            put(*TASKS, "join", "inputs", "parameters", "sizes", to=constant([])),
        ],
        f"join: it is cached, and step list {BY_NAME}",
    ),
    "what a step without caching made in a loop": (
        [
            put(*PART, "cachingOptions", to={}),
            put(*TASKS, "join", "inputs", "parameters", "sizes", to=constant([])),
        ],
        f"join: it is cached, and step part {BY_NAME}",
    ),
    "what a run gave to another step": (
        [
            put("spec", "root", "inputDefinitions", "parameters", "more", to={**STRING, "defaultValue": ""}),
            put(*COMPONENTS, "comp-list", "inputDefinitions", "parameters", "more", to=STRING),
            put(*TASKS, "list", "inputs", "parameters", "more", to=inherited("more")),
            put(*TASKS, "join", "inputs", "parameters", "sizes", to=constant([])),
        ],
        f"join: it is cached, and input more {BY_NAME}",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_cache_key__fault_is_named(case: str) -> None:
    changes, message = CASES[case]
    assert message in faults(*changes)


TAKEN: dict[str, list[Change]] = {
    "a step without caching needs no parameter": [
        put(*TASKS, "join", "cachingOptions", to={}),
        put(*TASKS, "join", "inputs", "parameters", "version", to=constant("1")),
        put(*TASKS, "join", "inputs", "parameters", "sizes", to=constant([])),
    ],
    "an output that is made of it counts for it": [
        put(*TASKS, "join", "inputs", "parameters", "version", to=constant("1")),
    ],
    "the items of a loop count for what they are made of": [
        put(*PART, "inputs", "parameters", "version", to=constant("1")),
    ],
}


@pytest.mark.parametrize("case", TAKEN)
def test_cache_key__that_holds_everything_is_taken(case: str) -> None:
    assert faults(*TAKEN[case]) == []


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"maxRetryCount": -1}, "-1 retries are no number up to 100: give a whole number"),
        ({"maxRetryCount": 101}, "101 retries are no number up to 100: give a whole number"),
        ({"maxRetryCount": "2"}, "'2' retries are no number up to 100: give a whole number"),
        ({"backoffDuration": "1m"}, "backoffDuration '1m' is no duration: write it like 60s"),
        ({"backoffMaxDuration": 60}, "backoffMaxDuration 60 is no duration: write it like 60s"),
    ],
)
def test_retries__that_are_none_are_named(policy: dict, message: str) -> None:
    assert faults(put(*TASKS, "list", "retryPolicy", to=policy)) == [f"list: {message}"]


def test_retries__that_the_backend_counts_are_taken() -> None:
    policy = {"maxRetryCount": 100, "backoffDuration": "1.5s", "backoffMaxDuration": "3600s", "backoffFactor": 2}
    assert (
        faults(put(*PART, "retryPolicy", to=policy), put(*TASKS, "list", "retryPolicy", to={"maxRetryCount": 0})) == []
    )
