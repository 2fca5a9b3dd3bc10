"""Placeholders stand where the backend fills them in; commands and images are those that a pod can run."""

import pytest

from tests.pipelines.ir_check.small import COMPONENTS, EXECUTORS, TASKS, Change, constant, faults, put

DATA = (*TASKS, "list", "inputs", "parameters", "data")
ARGS = (*EXECUTORS, "exec-part", "container", "args")
IMAGE = (*EXECUTORS, "exec-part", "container", "image")
MESSAGE = "stands in a constant, and no one escapes what is put in its place: make the value a parameter of its own"

CONSTANTS: dict[str, object] = {
    "a placeholder in a text": "code {{$.inputs.parameters['version']}}",
    "an input's placeholder, whole": "{{$.inputs.parameters['version']}}",
    "a placeholder of the run with more": "run {{$.pipeline_job_uuid}}",
    "the workspace and something else": "{{$.workspace_path}}/{{$.pipeline_job_uuid}}",
    "what Argo would fill in": "{{workflow.uid}}",
}


@pytest.mark.parametrize("case", CONSTANTS)
def test_constant__with_a_placeholder_that_nobody_escapes_is_refused(case: str) -> None:
    value = CONSTANTS[case]
    assert faults(put(*DATA, to=constant(value))) == [f"list, parameter data: {value!r} {MESSAGE}"]


@pytest.mark.parametrize(
    "value", [{"code": "{{$.pipeline_job_uuid}}"}, {"{{$.pipeline_job_uuid}}": 1}, [["{{$.pipeline_job_uuid}}"]]]
)
def test_constant__is_looked_through_at_any_depth(value: object) -> None:
    # Of the run's own placeholders the driver fills in those that are the whole constant.
    change = put(*TASKS, "list", "inputs", "parameters", "version", to=constant(value))
    assert f"list, parameter version: '{{{{$.pipeline_job_uuid}}}}' {MESSAGE}" in faults(change)


@pytest.mark.parametrize(
    "value",
    [
        *("{{$.pipeline_job_name}}", "{{$.pipeline_job_resource_name}}", "{{$.pipeline_job_uuid}}"),
        *("{{$.pipeline_task_name}}", "{{$.pipeline_task_uuid}}", "{{$.pipeline_job_create_time_utc}}"),
        *("{{$.pipeline_job_schedule_time_utc}}", "{{$.workspace_path}}", "{{$.workspace_path}}/a", "a {b} }}", '"'),
    ],
)
def test_constant__that_the_driver_fills_in_or_leaves_is_taken(value: str) -> None:
    assert faults(put(*DATA, to=constant(value))) == []


COMMANDS: dict[str, tuple[str, str]] = {
    "an input that is not there": (
        "--n={{$.inputs.parameters['numbers']}}",
        "the launcher knows no {{$.inputs.parameters['numbers']}} of this component: name an input or output "
        "that it has",
    ),
    "an artifact as a parameter": (
        "{{$.inputs.parameters['listed']}}",
        "the launcher knows no {{$.inputs.parameters['listed']}} of this component: name an input or output that "
        "it has",
    ),
    "an artifact without what of it": (
        "{{$.inputs.artifacts['listed']}}",
        "the launcher knows no {{$.inputs.artifacts['listed']}} of this component: name an input or output that it has",
    ),
    "a parameter's file that is an input": (
        "{{$.inputs.parameters['number'].output_file}}",
        "the launcher knows no {{$.inputs.parameters['number'].output_file}} of this component: name an input or "
        "output "
        "that it has",
    ),
    "an output's value": (
        "{{$.outputs.parameters['size']}}",
        "the launcher knows no {{$.outputs.parameters['size']}} of this component: name an input or output that it has",
    ),
    "another placeholder": (
        "{{$.json_escape[0]}}",
        "the launcher knows no {{$.json_escape[0]}} of this component: name an input or output that it has",
    ),
    "what Argo takes for its own": (
        "print(f'{{x}}')",
        "two braces stand in the command, which Argo takes for a template of its own: write them apart, or move "
        "the text "
        "into the library",
    ),
    "an argument longer than Linux takes": (
        "ü" * 65536,
        "an argument of 131072 bytes is more than Linux takes (131071): move code from the component into the library",
    ),
}


@pytest.mark.parametrize("part", ["command", "args"])
@pytest.mark.parametrize("case", COMMANDS)
def test_command__fault_is_named(case: str, part: str) -> None:
    text, message = COMMANDS[case]
    found = faults(put(*EXECUTORS, "exec-part", "container", part, to=["python", text]))
    assert f"exec-part: {message}" in found


@pytest.mark.parametrize(
    "text",
    [
        *("{{$}}", "{{$.inputs.parameters['number']}}", "{{$.inputs.artifacts['listed'].uri}}"),
        *("{{$.inputs.artifacts['listed'].path}}", "{{$.outputs.artifacts['scores'].uri}}"),
        *("{{$.outputs.artifacts['scores'].path}}", "{{$.outputs.parameters['size'].output_file}}", "{x} }}"),
    ],
)
def test_command__that_the_launcher_fills_in_is_taken(text: str) -> None:
    assert faults(put(*ARGS, to=["--executor_input", text])) == []


def test_command__as_long_as_linux_takes_is_taken() -> None:
    # Its container, which the driver is handed as one argument too, is longer than that.
    found = faults(put(*ARGS, to=["x" * 131071]))
    assert not [fault for fault in found if fault.startswith("exec-part: an argument")]


ARGO = "which Argo takes for a template of its own: write them apart"
ROOT_INPUTS = ("spec", "root", "inputDefinitions", "parameters")


def test_text__that_argo_would_fill_in_is_named() -> None:
    assert faults(put(*ROOT_INPUTS, "count", "description", to="as {{item}}")) == [
        f"root: two braces stand in 'as {{{{item}}}}', {ARGO}"
    ]
    assert faults(put(*ROOT_INPUTS, "data", "defaultValue", to="{{workflow.name}}" + "x" * 80)) == [
        f"root: two braces stand in '{{{{workflow.name}}}}{'x' * 63}', {ARGO}"
    ]
    described = put(*COMPONENTS, "comp-part", "outputDefinitions", "artifacts", "scores", "description", to="{{=1}}")
    assert faults(described) == [f"comp-part: two braces stand in '{{{{=1}}}}', {ARGO}"]


@pytest.mark.parametrize("text", ["{{$.inputs}}", '{"a": {"b": {}}}', "{ {x} }"])
def test_text__that_argo_leaves_is_taken(text: str) -> None:
    assert faults(put(*ROOT_INPUTS, "data", "defaultValue", to=text)) == []


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("Silencio/train:0.1.0", "is no image's name: write registry/name:tag in small letters"),
        ("silencio/train:0.1.0 ", "is no image's name: write registry/name:tag in small letters"),
        ("", "is no image's name: write registry/name:tag in small letters"),
        ("silencio/train", "names another image tomorrow: give a version or a digest"),
        ("registry:5000/silencio/train", "names another image tomorrow: give a version or a digest"),
        ("silencio/train:latest", "names another image tomorrow: give a version or a digest"),
    ],
)
def test_image__that_is_none_or_moves_is_refused(image: str, message: str) -> None:
    assert faults(put(*IMAGE, to=image)) == [f"exec-part: {image!r} {message}"]


ENV = (*EXECUTORS, "exec-part", "container", "env")


def test_image_that_a_step_keeps__is_the_one_that_it_runs_in() -> None:
    assert faults(put(*ENV, to=[{"name": "SILENCIO_IMAGE", "value": "silencio/train:0.1.0"}])) == []
    assert faults(put(*ENV, to=[{"name": "SILENCIO_IMAGE", "value": "silencio/train:0.2.0"}])) == [
        "exec-part: it keeps 'silencio/train:0.2.0' as its image, and runs in 'silencio/train:0.1.0': "
        "let SILENCIO_IMAGE be its image"
    ]


def test_commit_of_an_image__is_no_graph_s_to_say() -> None:
    assert faults(put(*ENV, to=[{"name": "SILENCIO_CODE_VERSION", "value": "abc123"}])) == [
        "exec-part: its variable claims that its code is 'abc123', whatever the image holds: "
        "bake SILENCIO_CODE_VERSION into the image where it is built"
    ]


@pytest.mark.parametrize(
    "image",
    [
        "registry:5000/silencio/train:0.1.0",
        f"docker.io/silencio/train@sha256:{'a' * 64}",
        f"docker.io/silencio/train:0.1.0@sha256:{'a' * 64}",
        "ghcr.io/a/b_c.d-e:V1.0-rc_1",
    ],
)
def test_image__that_stays_is_taken(image: str) -> None:
    changes: list[Change] = [put(*IMAGE, to=image)]
    assert faults(*changes) == []
