"""Days that tests make, and the places that keep them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.s3 import running_s3


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place of each kind; the folder is not there yet."""
    if request.param == "folder":
        return str(tmp_path / "drift")
    return running_s3().use(monkeypatch).new_place()
