"""Settings of the predictor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from serving.settings import Option
from serving.settings.server import ServerSettings
from silencio.settings import whole

_INFERENCE = "inference"
_CPU = "cpu"


def _provider(value: object) -> object:
    return value or _CPU


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class PredictorSettings(ServerSettings):
    """Settings of `python -m serving.predictor`.

    Attributes:
        provider: What runs the graph: cpu, openvino, cuda or tensorrt; refused where it is not active.
        session_threads: Threads of one run of the graph; two spinning threads on a busy two-core machine were measured
            up to 40 times slower than one.
        n_workers: Runs of the graph at once.
        max_batch_windows: Most windows of a run, and so how long an urgent one may have to wait; on a processor 1, 2, 4
            and 8 were measured to take 6.7, 6.2, 6.0 and 6.1 ms each of an int8 graph, a GPU wants more.
        max_batch_delay_ms: How long a run that is not full waits for more; 5 ms were measured to double the time of a
            single client, and to win nothing on a processor.
        max_queued_windows: Most windows of one priority that wait; further ones are refused.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        **ServerSettings.renamed,
        "most_batch_windows": "max_batch_windows",
        "most_wait_ms": "max_batch_delay_ms",
        "most_queued_windows": "max_queued_windows",
    }
    # `--workers` is the SDK's, and something else.
    renamed_variables: ClassVar[Mapping[str, str]] = {"SILENCIO_WORKERS": "SILENCIO_N_WORKERS"}

    provider: Annotated[str, BeforeValidator(_provider), Option(_INFERENCE, "NAME")] = _CPU
    session_threads: Annotated[int, whole(1), Option(_INFERENCE)] = 1
    n_workers: Annotated[int, whole(1), Option(_INFERENCE, default="the cores it may use")] = Field(
        default_factory=_cores
    )
    max_batch_windows: Annotated[int, whole(1), Option(_INFERENCE)] = 2
    max_batch_delay_ms: Annotated[int, whole(0), Option(_INFERENCE)] = 0
    max_queued_windows: Annotated[int, whole(1), Option(_INFERENCE)] = 256
