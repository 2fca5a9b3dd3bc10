"""Requests that schemathesis makes of the description, right ones and wrong ones: every answer is as described."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.local import LocalServers
from serving.transformer.openapi import openapi, openapi_text
from tests.serving.clients.conftest import HERE, run
from tests.waiting import HANG_S

N_FUZZED = 15


@pytest.mark.soak
def test_schemathesis__v1_and_v2_with_all_checks(
    client_tools: Path, servers: LocalServers, recording: Callable[..., bytes], tmp_path: Path
) -> None:
    description, sound, report = (tmp_path / name for name in ("openapi.json", "short.ogg", "report.json"))
    description.write_text(openapi_text(), encoding="utf-8")
    sound.write_bytes(recording(0.25, rate_hz=8_000))
    run(
        *(client_tools / "python" / "bin" / "schemathesis", "run", description, "--url", servers.url),
        *("--checks", "all", "--phases", "coverage,fuzzing", "--max-examples", str(N_FUZZED), "--seed", "20261129"),
        *("--suppress-health-check", "all", "--generation-database", "none", "--request-timeout", str(HANG_S)),
        *("--report", "json", "--report-json-path", report),
        cwd=tmp_path,
        SCHEMATHESIS_HOOKS="fuzz_hooks",
        PYTHONPATH=str(HERE),
        SILENCIO_RECORDING=str(sound),
    )
    done = json.loads(report.read_text(encoding="utf-8"))
    n_operations = sum(len(item) for item in openapi()["paths"].values())
    assert done["operations"]["tested"] == done["operations"]["total"] == n_operations
    assert (done["complete"], done["failures"], done["errors"]) == (True, [], [])
    assert done["test_cases"]["generated"] > 40 * n_operations
    # Requests that are right as the description has it were answered, at every operation.
    rates = [phase["accepted"] for phases in done["valid_rates"].values() for phase in phases.values()]
    assert len(rates) == 2 * n_operations
    assert min(rates) > 0
