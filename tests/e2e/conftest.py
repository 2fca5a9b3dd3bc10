"""The environment that has only the serving extra."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def serving_python() -> Path:
    python = ROOT / ".venv-serving" / "bin" / "python"
    if not python.exists():
        pytest.fail("no serving environment: run the tests by `make test`, which makes it")
    return python
