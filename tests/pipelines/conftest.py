"""What tests of pipelines share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def compiled_fast(caller_named_at_once: None) -> None:
    """Most of them compile."""
