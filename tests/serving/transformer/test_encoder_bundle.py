"""A bundle with an encoder: the predictor runs it, and the answer is the offline one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np

from serving.local import local_servers
from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from tests.waiting import HANG_S


def test_encoder__runs_in_the_predictor(tmp_path: Path, recording: Callable[..., bytes]) -> None:
    directory = write_placeholder_bundle(tmp_path, inputs=["log_mel", "embedding:placeholder"])
    encoded = recording(12.0)
    with local_servers(directory, start_timeout_s=HANG_S) as servers:
        answer = httpx.post(
            f"{servers.url}/v1/models/silencio:predict?top_k=all",
            content=encoded,
            headers={"Content-Type": "audio/ogg"},
            trust_env=False,
            timeout=HANG_S,
        )
    classes = Bundle(directory).manifest.classes
    message = [
        {one["code"]: one["probability"] for one in w["species"]} for w in answer.json()["predictions"][0]["windows"]
    ]
    got = [[window[code] for code in classes.codes] for window in message]
    np.testing.assert_allclose(got, Scorer(Bundle(directory))(encoded).probabilities, atol=1e-5)
