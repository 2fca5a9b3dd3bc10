"""Constants and commands: placeholders stand where the backend fills them in, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipelines.ir_check.package import ROOT, Fault, Package, at, definitions, given
from silencio.provenance import CODE_VERSION, IMAGE

# Filled in by the driver where one is a whole constant.
_OF_THE_RUN = frozenset(
    "{{$." + name + "}}"
    for name in (
        "pipeline_job_name",
        "pipeline_job_resource_name",
        "pipeline_job_uuid",
        "pipeline_task_name",
        "pipeline_task_uuid",
        "pipeline_job_create_time_utc",
        "pipeline_job_schedule_time_utc",
    )
)
_WORKSPACE = "{{$.workspace_path}}"
_PLACEHOLDER = re.compile(r"\{\{\$(.*?)\}\}", re.DOTALL)
_OF_THE_STEP = re.compile(r"\.(inputs|outputs)\.(parameters|artifacts)\['([^']*)'\](?:\.(uri|path|output_file))?")
# Given to `execve` as one argument, which Linux bounds (MAX_ARG_STRLEN).
_MAX_ARGUMENT_BYTES = 32 * 4096 - 1
_MAX_SHOWN = 80


def constants(package: Package) -> Iterator[Fault]:
    """A placeholder is a whole constant, and one of those that the driver knows.

    Others stay text until the launcher replaces them in the arguments of the command
    (`backend/src/v2/component/launcher_v2.go`, `getPlaceholders`), and it escapes nothing: a quote in the value ends
    the JSON in which the step is told its inputs. The driver's own are in `backend/src/v2/driver/resolve.go`
    (`resolveInputParameter`).
    """
    for dag in package.dags():
        for name, task in dag.tasks.items():
            for word, source in given(task, "parameters").items():
                value = source.get("runtimeValue", {}).get("constant")
                for text in _texts(value):
                    if "{{" not in text or _is_filled_in(value, text):
                        continue
                    what = f"{text!r} stands in a constant, and no one escapes what is put in its place"
                    yield Fault(f"{at(dag, name)}, parameter {word}", what, "make the value a parameter of its own")


def commands(package: Package) -> Iterator[Fault]:
    """A command names inputs and outputs that its component has; braces of another meaning are Argo's.

    `backend/src/v2/component/launcher_v2.go` (`getPlaceholders`); Argo's own templates are `{{…}}`
    (`util/template/template.go` of argo-workflows), in which a command lies as a workflow's parameter.
    """
    by_label = {one.get("executorLabel"): one for one in package.components.values()}
    for label, container in package.containers():
        for text in [*container.get("command", []), *container.get("args", [])]:
            if len(text.encode()) > _MAX_ARGUMENT_BYTES:
                what = f"an argument of {len(text.encode())} bytes is more than Linux takes ({_MAX_ARGUMENT_BYTES})"
                yield Fault(label, what, "move code from the component into the library")
            for match in _PLACEHOLDER.finditer(text):
                if match[1] and not _is_known(match[1], by_label.get(label, {})):
                    what = f"the launcher knows no {match[0]} of this component"
                    yield Fault(label, what, "name an input or output that it has")
            if "{{" in _PLACEHOLDER.sub("", text):
                what = "two braces stand in the command, which Argo takes for a template of its own"
                yield Fault(label, what, "write them apart, or move the text into the library")


def texts(package: Package) -> Iterator[Fault]:
    """Descriptions and defaults hold no template of Argo's: they lie in the workflow, in which Argo fills templates in.

    `argocompiler/argo.go` (`saveProtoToArguments`), `dag.go` (the task's specification, the run's parameters); a
    placeholder of KFP's own begins with `{{$`, which Argo leaves.
    """
    for name, component in {ROOT: package.spec.get("root", {}), **package.components}.items():
        sides = [component.get("inputDefinitions", {}), component.get("outputDefinitions", {})]
        for text in _texts(sides):
            if "{{" in text.replace("{{$", ""):
                what = f"two braces stand in {text[:_MAX_SHOWN]!r}, which Argo takes for a template of its own"
                yield Fault(name, what, "write them apart")


def images(package: Package) -> Iterator[Fault]:
    """An image is named by a tag or a digest that stays, in a form that a container runtime parses.

    `backend/src/v2/driver/image_digest.go`, and the cache key, which holds the image's name
    (`backend/src/v2/cacheutils/cache.go`); the form is that of `distribution/reference`.
    """
    form = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?", re.ASCII)
    for label, container in package.containers():
        image = str(container.get("image", ""))
        last = image.rpartition("/")[2]
        if not form.fullmatch(image):
            yield Fault(label, f"{image!r} is no image's name", "write registry/name:tag in small letters")
        elif ":" not in last or last.endswith(":latest"):
            yield Fault(label, f"{image!r} names another image tomorrow", "give a version or a digest")


def provenance(package: Package) -> Iterator[Fault]:
    """What a step keeps of its image and its code is true.

    A pod cannot ask in which image it runs: the graph says it in a variable beside the image. Which commit an image
    holds the image alone knows. `backend/src/v2/driver/driver.go` (`initPodSpecPatch`: both are the container's).
    """
    for label, container in package.containers():
        for variable in container.get("env", []):
            name, value = variable.get("name"), variable.get("value")
            if name == IMAGE and value != container.get("image"):
                what = f"it keeps {value!r} as its image, and runs in {container.get('image')!r}"
                yield Fault(label, what, f"let {IMAGE} be its image")
            elif name == CODE_VERSION:
                what = f"its variable claims that its code is {value!r}, whatever the image holds"
                yield Fault(label, what, f"bake {CODE_VERSION} into the image where it is built")


def _is_known(inner: str, component: Any) -> bool:
    match = _OF_THE_STEP.fullmatch(inner)
    if match is None:
        return False
    side, kind, name, attribute = match.groups()
    attributes: tuple[str | None, ...] = ("uri", "path")
    if kind == "parameters":
        attributes = (None,) if side == "inputs" else ("output_file",)
    return attribute in attributes and name in definitions(component, f"{side[:-1]}Definitions", kind)


def _is_filled_in(value: Any, text: str) -> bool:
    return text is value and (text in _OF_THE_RUN or "{{" not in text.replace(_WORKSPACE, ""))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _texts(key)
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
