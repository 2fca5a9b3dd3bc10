"""Every step has the same form: what it reads, what it writes, and what does it."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

from silencio import steps
from silencio.steps import distill, train_head

NAMES = [one.name for one in pkgutil.iter_modules(steps.__path__) if one.name != "artifacts"]


@pytest.fixture(params=NAMES)
def step(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"silencio.steps.{request.param}")


def test_step__is_run_with_one_dataclass_of_inputs_and_one_of_outputs(step: ModuleType) -> None:
    parameters = list(inspect.signature(step.run).parameters)
    assert parameters == (["inputs", "outputs"] if hasattr(step, "Outputs") else ["inputs"])
    for name in ("Inputs", "Outputs"):
        if hasattr(step, name):
            of = getattr(step, name)
            assert dataclasses.is_dataclass(of)
            assert of.__dataclass_params__.frozen


def test_step__explains_every_field(step: ModuleType) -> None:
    for of in (one for _, one in inspect.getmembers(step, dataclasses.is_dataclass) if one.__module__ == step.__name__):
        missing = [field.name for field in dataclasses.fields(of) if f"{field.name}: " not in (of.__doc__ or "")]
        assert not missing, of


def test_distill__hands_all_that_it_is_given_to_the_training_of_a_head() -> None:
    given = {field.name for field in dataclasses.fields(distill.Inputs)}
    # A fold is of `cross_fit`, with which nothing is distilled.
    assert given | {"fold"} == {field.name for field in dataclasses.fields(train_head.Inputs)}
