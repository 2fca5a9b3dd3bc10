"""Names that Argo takes, and no two of one thing."""

import pytest

from tests.pipelines.ir_check.small import COMPONENTS, EXECUTORS, EXIT, LOOP_TASKS, STRING, TASKS, Change, faults, put


def renamed(before: str, after: str) -> Change:
    """A task of the root under another name; what it is named by elsewhere stays."""

    def change(package: dict) -> None:
        tasks = package["spec"]["root"]["dag"]["tasks"]
        tasks[after] = tasks.pop(before)

    return change


def component(before: str, after: str) -> Change:
    def change(package: dict) -> None:
        package["spec"]["components"][after] = package["spec"]["components"].pop(before)
        for dag in (package["spec"]["root"]["dag"], package["spec"]["components"].get("comp-loop", {}).get("dag", {})):
            for task in dag.get("tasks", {}).values():
                if task["componentRef"]["name"] == before:
                    task["componentRef"]["name"] = after

    return change


@pytest.mark.parametrize("name", ["", "Small", "small_", "-small", "small-", "a..b", "ü", "s" * 129])
def test_pipeline_name__that_begins_no_workflow_s_is_named(name: str) -> None:
    assert faults(put("spec", "pipelineInfo", "name", to=name)) == [
        f"root: the pipeline's name {name!r} begins no workflow's: at most 128 small letters, digits and hyphens "
        f"between"
    ]


@pytest.mark.parametrize("name", ["s", "silencio-train-1.2", "s" * 128])
def test_pipeline_name__of_small_letters_is_taken(name: str) -> None:
    assert faults(put("spec", "pipelineInfo", "name", to=name)) == []


def test_ir__of_another_version_is_named() -> None:
    assert faults(put("spec", "schemaVersion", to="2.0.0")) == [
        "root: the IR's version is '2.0.0', and the backend takes 2.1.0: compile with kfp 2"
    ]


@pytest.mark.parametrize("name", ["tell_it", "tell it", "tell.it", "_tell", "-tell"])
def test_task_name__that_argo_does_not_take_is_named(name: str) -> None:
    message = f"{name}: Argo takes no name '{name}-driver': letters, digits and hyphens alone"
    assert message in faults(renamed("tell", name))


def test_task_name__is_as_long_as_argo_takes_with_its_driver() -> None:
    long = "l" * 121
    message = (
        f"{long}: the name '{long}-driver' has 128 letters, and Argo takes 128: shorten the names of task and component"
    )
    message = message.replace("has 128", "has 129").replace(long, long + "l")
    assert message.replace("129", "129") in faults(renamed("look", long + "l"))
    assert not [fault for fault in faults(renamed("look", long)) if "letters, and Argo" in fault]


def test_loop_name__is_as_long_as_argo_takes_with_its_component() -> None:
    # comp-loop-…-iterator, which only a loop's task has.
    long = "l" * (128 - len("comp-loop--iterator"))
    assert not [fault for fault in faults(renamed("loop", long)) if "letters, and Argo" in fault]
    found = faults(renamed("loop", long + "l"))
    assert f"{long}l: the name 'comp-loop-{long}l-iterator' has 129 letters, and Argo takes 128: shorten the names of task and component" in found  # noqa: E501  # fmt: skip


def test_exit_task_name__is_as_long_as_argo_takes_with_its_hook() -> None:
    long = "l" * (129 - len("exit-hook-root-"))
    found = faults(renamed("tell", long))
    assert f"{long}: the name 'exit-hook-root-{long}' has 129 letters, and Argo takes 128: shorten the names of task and component" in found  # noqa: E501  # fmt: skip


def test_component_name__of_a_graph_is_a_template_s() -> None:
    found = faults(component("comp-loop", "comp_loop"))
    assert "comp_loop: Argo takes no name 'comp_loop': letters, digits and hyphens alone" in found
    # A container's component is no template.
    assert faults(component("comp-tell", "comp_tell")) == []


@pytest.mark.parametrize(
    "name",
    [
        *("entrypoint", "root-driver", "system-dag-driver", "system-container-driver", "system-container-executor"),
        *("system-container-impl", "retry-system-container-executor", "retry-system-container-impl", "system-importer"),
    ],
)
def test_template__of_the_backend_is_nobody_else_s(name: str) -> None:
    found = faults(component("comp-loop", name))
    assert f"{name}: Argo's template {name!r} is the backend's already: give it another name" in found


def test_template__of_two_is_named() -> None:
    # A hook is called by graph and task: so may a graph be.
    changes = [component("comp-loop", "exit-hook-root-tell"), put(*TASKS, "tell", "triggerPolicy", "strategy", to=EXIT)]
    found = faults(*changes)
    assert "exit-hook-root-tell: Argo's template 'exit-hook-root-tell' is tell's already: give it another name" in found


def test_task__beside_one_that_is_called_like_its_driver_is_named() -> None:
    def beside(package: dict) -> None:
        tasks = package["spec"]["components"]["comp-loop"]["dag"]["tasks"]
        tasks["part-driver"] = tasks["part"]

    assert faults(beside) == [
        "comp-loop/part: part-driver stands beside it, which is how its driver is called: give one of both another name"
    ]


def test_components__with_one_container_have_the_same_inputs() -> None:
    same = put(*EXECUTORS, "exec-other", to={"container": {"image": "a/b:1", "command": ["x"]}})
    first = put(*EXECUTORS, "exec-one", to={"container": {"command": ["x"], "image": "a/b:1"}})
    one = put(
        *COMPONENTS, "comp-one", to={"executorLabel": "exec-one", "inputDefinitions": {"parameters": {"a": STRING}}}
    )
    other = put(*COMPONENTS, "comp-other", to={"executorLabel": "exec-other"})
    assert faults(first, same, one, other) == [
        "comp-other: it has the container of comp-one and other inputs or outputs, and the backend keeps one of both: "
        "give both the same, or let the containers differ"
    ]
    outputs = put(*COMPONENTS, "comp-other", "outputDefinitions", to={"parameters": {"b": STRING}})
    inputs = put(*COMPONENTS, "comp-other", "inputDefinitions", to={"parameters": {"a": STRING}})
    assert faults(first, same, one, other, inputs) == []
    assert len(faults(first, same, one, other, inputs, outputs)) == 1


def test_importers__have_no_container_in_common() -> None:
    importers = [put(*EXECUTORS, f"exec-{name}", to={"importer": {}}) for name in ("one", "other")]
    one = put(
        *COMPONENTS, "comp-one", to={"executorLabel": "exec-one", "inputDefinitions": {"parameters": {"a": STRING}}}
    )
    other = put(*COMPONENTS, "comp-other", to={"executorLabel": "exec-other"})
    assert faults(*importers, one, other) == []


def test_iteration__is_a_template_of_its_own() -> None:
    def again(package: dict) -> None:
        # Another graph with the name of the loop's iterations.
        inner = {"dag": {"tasks": dict(package["spec"]["components"]["comp-loop"]["dag"]["tasks"])}}
        package["spec"]["components"]["comp-loop-iteration"] = inner

    found = faults(again)
    assert (
        "comp-loop-iteration: Argo's template 'comp-loop-iteration' is loop's already: give it another name" in found
    ), LOOP_TASKS
