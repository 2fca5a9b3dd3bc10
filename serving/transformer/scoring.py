"""From the windows of a recording to their probabilities: a few windows a call, a few calls at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from serving.transformer.predictor_client import PredictorClient
from serving.transformer.request.predict_request import Priority
from silencio.bundle.graph import MAX_RUN_WINDOWS

# One is worked on while the next is on its way. More would only fill the predictor's queue: a long one waits here.
_CALLS_AT_ONCE = 2


async def score_windows(
    predictor: PredictorClient, model_name: str, inputs: Mapping[str, NDArray[np.generic]], priority: Priority
) -> NDArray[np.float32]:
    """Ask the predictor.

    Args:
        predictor: Whom to ask.
        model_name: As registered there.
        inputs: The graph's, each (n_windows, …), at least one window.
        priority: Batch work waits there for everybody else's.

    Returns:
        float32, shape (n_windows, n_classes).

    Raises:
        Unavailable: The predictor cannot be reached, is not ready or is too busy.
        InferenceError: It failed.
    """
    n_windows = len(next(iter(inputs.values())))
    may_call = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def call(first: int) -> NDArray[np.float32]:
        async with may_call:
            part = {name: array[first : first + MAX_RUN_WINDOWS] for name, array in inputs.items()}
            return await predictor.probabilities(model_name, part, priority=priority)

    if n_windows <= MAX_RUN_WINDOWS:
        return await call(0)
    calls = [asyncio.ensure_future(call(first)) for first in range(0, n_windows, MAX_RUN_WINDOWS)]
    try:
        return np.concatenate(await asyncio.gather(*calls))
    finally:
        # Where one failed, the others have nobody left who waits for them.
        for one in calls:
            one.cancel()
