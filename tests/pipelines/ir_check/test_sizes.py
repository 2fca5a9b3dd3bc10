"""What has to go through Kubernetes' API, and through a pod's command line, is not too large for them."""

import re

from tests.pipelines.ir_check.small import (
    COMPONENTS,
    EXECUTORS,
    LOOP_TASKS,
    STRING,
    TASKS,
    Change,
    constant,
    faults,
    put,
)

LIMIT = 131071


def sized(found: list[str]) -> dict[str, int]:
    """Where something is too long for an argument, and how many bytes it has."""
    pattern = re.compile(rf"(.*): .* has (\d+) bytes, and Linux takes arguments of {LIMIT}: move code and texts .*")
    return {match[1]: int(match[2]) for match in map(pattern.fullmatch, found) if match}


def just(change: object, where: str) -> tuple[list[str], list[str]]:
    """Faults with as many letters as fit, and with one more."""
    n_bytes = sized(faults(change("x" * LIMIT)))[where]  # type: ignore[operator]
    room = LIMIT - (n_bytes - LIMIT)
    return faults(change("x" * room)), faults(change("x" * (room + 1)))  # type: ignore[operator]


def test_specification__of_a_component_is_an_argument() -> None:
    def described(text: str) -> Change:
        return put(*COMPONENTS, "comp-tell", "description", to=text)

    fits, not_any_more = just(described, "comp-tell")
    assert fits == []
    assert not_any_more == [
        f"comp-tell: the component's specification has {LIMIT + 1} bytes, and Linux takes arguments of {LIMIT}: "
        f"move code "
        "and texts into the library"
    ]


def test_specification__of_a_graph_is_no_argument() -> None:
    assert faults(put(*COMPONENTS, "comp-loop", "description", to="x" * (LIMIT + 1))) == []


def test_container__is_an_argument() -> None:
    fits, not_any_more = just(
        lambda text: put(*EXECUTORS, "exec-tell", "container", "args", to=["a", text]), "exec-tell"
    )
    assert fits == []
    assert list(sized(not_any_more)) == ["exec-tell"]


def test_task__is_an_argument_and_letters_count_as_bytes() -> None:
    def given(text: str) -> Change:
        return put(*LOOP_TASKS, "part", "inputs", "parameters", "version", to=constant(text))

    fits, not_any_more = just(given, "comp-loop/part")
    assert not sized(fits)
    assert sized(not_any_more) == {"comp-loop/part": LIMIT + 1}
    assert "comp-loop/part" in sized(faults(given("ü" * 66_000)))


def test_default_parameters__are_an_argument() -> None:
    def given(text: str) -> Change:
        return put("spec", "root", "inputDefinitions", "parameters", "data", to={**STRING, "defaultValue": text})

    fits, not_any_more = just(given, "root")
    assert fits == []
    assert sized(not_any_more) == {"root": LIMIT + 1}


def test_workflow__is_one_object_of_kubernetes() -> None:
    def many(package: dict) -> None:
        tasks = package["spec"]["root"]["dag"]["tasks"]
        for number in range(11):
            task = {"inputs": {"parameters": {"pipelinechannel--x": constant("x" * 100_000)}}}
            tasks[f"tell-{number}"] = {**tasks["tell"], **task}

    assert [fault for fault in faults(many) if "1.5 MiB" in fault] == [
        f"root: the workflow has about {weight(many)} bytes, and Kubernetes keeps objects of 1.5 MiB with all "
        f"they grow "
        "to: keep it below 1048576: fewer nodes, or code in the library"
    ]
    assert weight(many) > 1_100_000


def test_workflow__holds_one_container_and_one_specification_however_often_they_are_used() -> None:
    def used(package: dict) -> None:
        container = {"container": {"image": "a/b:1", "command": ["x" * 100_000]}}
        for number in range(20):
            package["spec"]["deploymentSpec"]["executors"][f"exec-{number}"] = container
            package["spec"]["components"][f"comp-{number}"] = {"executorLabel": "exec-0", "description": "x" * 100_000}

    assert faults(used) == []


def test_loop__counts_three_times() -> None:
    def loop(n_bytes: int) -> Change:
        return put(*TASKS, "loop", "inputs", "parameters", "pipelinechannel--x", to=constant("x" * n_bytes))

    def join(n_bytes: int) -> Change:
        return put(*TASKS, "join", "inputs", "parameters", "pipelinechannel--x", to=constant("x" * n_bytes))

    assert weight(loop(2_000_001)) - weight(loop(2_000_000)) == 3
    assert weight(join(2_000_001)) - weight(join(2_000_000)) == 1


def test_settings_for_kubernetes__count() -> None:
    def requested(n_bytes: int) -> Change:
        return put("kubernetes", "exec-tell", to={"podMetadata": {"annotations": {"x": "x" * n_bytes}}})

    assert weight(requested(2_000_001)) - weight(requested(2_000_000)) == 1


def test_containers_and_specifications__count() -> None:
    def container(n_bytes: int) -> Change:
        return put(*EXECUTORS, "exec-tell", "container", "args", to=["x" * n_bytes])

    def specification(n_bytes: int) -> Change:
        return put(*COMPONENTS, "comp-loop", "description", to="x" * n_bytes)

    for grown in (container, specification):
        assert weight(grown(2_000_001)) - weight(grown(2_000_000)) == 1


def test_workflow__may_have_one_mebibyte() -> None:
    def annotated(n_bytes: int) -> Change:
        return put("kubernetes", "exec-tell", to={"podMetadata": {"annotations": {"x": "x" * n_bytes}}})

    room = 2_000_000 - (weight(annotated(2_000_000)) - (1 << 20))
    assert faults(annotated(room)) == []
    assert weight(annotated(room + 1)) == (1 << 20) + 1


def weight(change: Change) -> int:
    words = next(fault for fault in faults(change) if "the workflow has about" in fault)
    match = re.search(r"about (\d+) bytes", words)
    assert match
    return int(match[1])
