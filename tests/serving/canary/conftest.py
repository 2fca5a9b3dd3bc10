"""What the judge's tests share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of writes: that they outlive a loss of power is no matter here, and takes minutes on a busy disk."""
    monkeypatch.setattr(os, "fsync", lambda file: None)
