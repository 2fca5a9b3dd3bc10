from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.serving.canary.kserve.api_server import KubernetesApi, serving
from tests.serving.canary.kserve.controllers import SERVICES, Controllers
from tests.serving.canary.kserve.stage import (
    MODES,
    NAME,
    Mode,
    Stage,
    inference_service,
    kserve_settings,
    verbs_of_role,
)


@pytest.fixture
def staged() -> Iterator[Callable[[Mode], Stage]]:
    """Make a cluster whose API server lets through what the shipped Role allows."""
    with ExitStack() as stack:

        def make(mode: Mode) -> Stage:
            api = KubernetesApi(role=verbs_of_role())
            controllers = Controllers(api, NAME)
            api.put(SERVICES, NAME, inference_service(mode))
            api.put("configmaps", "inferenceservice-config", kserve_settings(), "kserve")
            controllers.settle()
            return Stage(mode, api, controllers, stack.enter_context(serving(api)))

        yield make


@pytest.fixture(params=MODES)
def stage(request: pytest.FixtureRequest, staged: Callable[[Mode], Stage]) -> Stage:
    return staged(request.param)


@pytest.fixture
def knative(staged: Callable[[Mode], Stage]) -> Stage:
    return staged("Knative")


@pytest.fixture
def standard(staged: Callable[[Mode], Stage]) -> Stage:
    return staged("Standard")
