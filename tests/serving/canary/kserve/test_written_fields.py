"""Fields that a release writes into the InferenceService, of which whoever applies it from Git keeps away."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serving.canary.kserve.predictors import WRITTEN_FIELDS
from tests.serving.canary.kserve.controllers import SERVICES
from tests.serving.canary.kserve.stage import MODES, Mode, Stage, record, shipped


def _pointers(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is no object, by its JSON pointer."""
    if not isinstance(value, dict):
        yield path, value
        return
    for key, one in value.items():
        yield from _pointers(one, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")


def _written(stage: Stage) -> set[str]:
    """Pointers to what two whole releases changed at any moment: one that was taken back, one that was promoted."""
    before, seen = dict(_pointers(shipped(stage)["spec"], "/spec")), list[Any]()
    put = stage.api.put

    def keep(resource: str, name: str, body: Any, *rest: Any) -> Any:
        if resource == SERVICES:
            seen.append(copy.deepcopy(body["spec"]))
        return put(resource, name, body, *rest)

    stage.api.put = keep  # type: ignore[method-assign]
    stage.at(25).roll_back(record())
    stage.settle()
    stage.retire()
    stage.baking()
    stage.retire()
    changed = {key for spec in seen for key, value in _pointers(spec, "/spec") if before.get(key) != value}
    return changed | {key for spec in seen for key in before.keys() - dict(_pointers(spec, "/spec")).keys()}


@pytest.fixture
def written(staged: Callable[[Mode], Stage]) -> dict[str, set[str]]:
    return {mode: _written(staged(mode)) for mode in MODES}


def test_release__writes_these_fields_and_nothing_else(written: dict[str, set[str]]) -> None:
    found = set().union(*written.values())
    for pointer in found:
        assert any(pointer == one or pointer.startswith(f"{one}/") for one in WRITTEN_FIELDS), pointer
    for one in WRITTEN_FIELDS:
        assert any(pointer == one or pointer.startswith(f"{one}/") for pointer in found), f"{one}: nobody writes it"


def test_release__leaves_the_number_of_pods_to_whoever_applies(written: dict[str, set[str]]) -> None:
    for pointers in written.values():
        assert not [one for one in pointers if one.endswith("Replicas")]
