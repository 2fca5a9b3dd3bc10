"""The clients' tests, asked of the containers: whatever `servers` are, answers and refusals are the same."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest, InferResponse

from silencio.bundle import Scorer
from tests.serving.clients.conftest import client_tools, node_tools, recording_file, send
from tests.serving.clients.test_generated_clients import *  # noqa: F403
from tests.serving.clients.test_protocol_clients import *  # noqa: F403
from tests.serving.containers.pod import Pod
from tests.serving.transformer.test_predict_endpoint import *  # noqa: F403
from tests.waiting import HANG_S

pytestmark = pytest.mark.images
# Fixtures, with this folder's `servers`.
__all__ = ["client_tools", "node_tools", "recording_file", "send"]
# It looks at processes of this machine.
del test_servers__carry_no_training_framework  # noqa: F821


def test_kserves_grpc_client__gets_the_bundles_own_numbers(servers: Pod, scorer: Scorer) -> None:
    clip = scorer.bundle.parity.clips[0]
    log_mel = InferInput("log_mel", list(clip.log_mel.shape), "FP32")
    log_mel.set_data_from_numpy(clip.log_mel, binary_data=True)
    waveform = InferInput("waveform", list(clip.waveform.shape), "INT16")
    waveform.set_data_from_numpy(clip.waveform, binary_data=True)

    async def send() -> InferResponse:
        async with InferenceGRPCClient(servers.grpc_address) as client:
            assert await client.is_model_ready("silencio", timeout=HANG_S)
            return await client.infer(InferRequest("silencio", [log_mel, waveform]), timeout=HANG_S)

    (output,) = asyncio.run(send()).outputs
    np.testing.assert_allclose(output.as_numpy(), clip.probabilities, rtol=0, atol=1e-6)
