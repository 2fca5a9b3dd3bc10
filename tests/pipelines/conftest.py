"""What tests of pipelines share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from kfp.dsl import pipeline_task


@pytest.fixture(scope="module", autouse=True)
def caller_named_at_once() -> Iterator[None]:
    """Nine tenths of the time of a compilation under pytest.

    Each setter of a task asks for its caller's name by `inspect.stack()[1][3]`, which reads the source of every frame
    up to pytest's and looks through all modules for it.
    """

    def stack() -> list[tuple[object, ...]]:
        frames = (sys._getframe(1), sys._getframe(2))
        return [(frame, frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) for frame in frames]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline_task, "inspect", SimpleNamespace(stack=stack))
        yield
