"""What kfp compiles of each construct that the backend has is taken: the rules refuse no pipeline that would run."""

# ruff: noqa: UP006, UP035  # kfp reads lists from `typing` alone
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import List, NamedTuple

import pytest
from kfp import compiler, dsl

from components.image import STEP
from pipelines.ir_check import faults_in


@dsl.component(**STEP)
def text(of: str = "a") -> str:
    return of


@dsl.component(**STEP)
def number(of: int) -> int:
    return of


@dsl.component(**STEP)
def fraction(of: float = 0.5) -> float:
    return of


@dsl.component(**STEP)
def numbers() -> List[int]:
    return [1, 2]


@dsl.component(**STEP)
def total(of: List[int]) -> int:
    return sum(of)


@dsl.component(**STEP)
def pair() -> NamedTuple("Pair", [("left", int), ("right", str)]):
    return (1, "a")


@dsl.component(**STEP)
def write(of: str, made: dsl.Output[dsl.Dataset]):
    pass


@dsl.component(**STEP)
def read(one: dsl.Input[dsl.Dataset]):
    pass


@dsl.component(**STEP)
def read_all(several: dsl.Input[List[dsl.Dataset]]):
    pass


@dsl.component(**STEP)
def read_any(one: dsl.Input[dsl.Artifact]):
    pass


@dsl.component(**STEP)
def tell(status: dsl.PipelineTaskFinalStatus):
    pass


def parameters(count: int = 2, share: float = 0.5, loud: bool = True, names: List[str] = ["a"], table: dict = {}):  # noqa: B006
    number(of=count)
    fraction(of=share)
    fraction()
    two = pair()
    number(of=two.outputs["left"])
    text(of=two.outputs["right"])


def constant_loop():
    with dsl.ParallelFor([1, 2, 3], parallelism=2) as item:
        number(of=item)


def loop_of_an_output():
    with dsl.ParallelFor(numbers().output) as item:
        number(of=item)


def loop_of_dicts():
    with dsl.ParallelFor([{"a": 1}, {"a": 2}]) as item:
        number(of=item.a)


def loop_of_a_parameter(names: List[str] = ["a", "b"]):  # noqa: B006
    with dsl.ParallelFor(names) as item:
        text(of=item)


def nested_loops():
    with dsl.ParallelFor([1, 2]) as outer, dsl.ParallelFor(["a", "b"]) as inner:
        number(of=outer)
        text(of=inner)


def collected_parameters():
    with dsl.ParallelFor([1, 2]) as item:
        made = number(of=item)
    total(of=dsl.Collected(made.output))


def collected_artifacts():
    with dsl.ParallelFor(["a", "b"]) as item:
        made = write(of=item)
    read_all(several=dsl.Collected(made.outputs["made"]))


def tasks_in_a_loop():
    with dsl.ParallelFor(["a", "b"]) as item:
        read(one=write(of=item).outputs["made"])


def conditions(count: int = 1, share: float = 0.5, loud: bool = True):
    requested = text(of="heads")
    with dsl.If(requested.output == "heads"):
        number(of=count)
        with dsl.If(count > 1):
            number(of=count)
    with dsl.If(share <= 0.25):
        number(of=count)
    with dsl.If(loud == True):  # noqa: E712
        number(of=count)
    with dsl.If(number(of=1).output != 2):
        number(of=count)


def branches():
    requested = text(of="heads")
    with dsl.If(requested.output == "heads"):
        one = text(of="1")
    with dsl.Elif(requested.output == "tails"):
        other = text(of="2")
    with dsl.Else():
        last = text(of="3")
    text(of=dsl.OneOf(one.output, other.output, last.output))


def exit_handler():
    with dsl.ExitHandler(tell()):
        read(one=write(of="a").outputs["made"])


def importer():
    imported = dsl.importer(artifact_uri="s3://bucket/key", artifact_class=dsl.Dataset, reimport=False)
    read(one=imported.output)


def any_artifact():
    read_any(one=write(of="a").outputs["made"])


def retries_and_resources():
    task = number(of=1).set_retry(3, backoff_duration="60s", backoff_factor=2, backoff_max_duration="3600s")
    task.set_cpu_request("500m").set_cpu_limit("2").set_memory_request("512Mi").set_memory_limit("1Gi")
    task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit("1")
    task.set_env_variable("WHO", "ana")


def placeholders_of_the_run():
    text(of=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    text(of=dsl.PIPELINE_JOB_NAME_PLACEHOLDER)
    text(of=dsl.PIPELINE_TASK_NAME_PLACEHOLDER)


def order():
    number(of=2).after(number(of=1))


CONSTRUCTS: list[Callable[..., None]] = [
    *(parameters, constant_loop, loop_of_an_output, loop_of_dicts, loop_of_a_parameter, nested_loops),
    *(collected_parameters, collected_artifacts, tasks_in_a_loop, conditions, branches, exit_handler, importer),
    *(any_artifact, retries_and_resources, placeholders_of_the_run, order),
]


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda construct: construct.__name__)
def test_construct__that_the_backend_has_is_taken(construct: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = dsl.pipeline(name="construct")(construct)
        compiler.Compiler().compile(made, str(path))
    # That a step is keyed by all that reaches it is this project's demand of its own pipelines: KFP runs others, too.
    assert [str(fault) for fault in faults_in(path) if "it is cached" not in str(fault)] == []
