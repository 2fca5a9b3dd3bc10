"""A head as somebody adds it: one file, that of docs/heads.md."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from silencio.models import heads
from tests.docs.pages import ROOT, blocks

_PAGE = ROOT / "docs" / "heads.md"
# What the page tells people to write, word for word.
(NEW_HEAD,) = (block.text for block in blocks(_PAGE) if block.file == "src/silencio/models/heads/loudness.py")


def add_head(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put it beside the others until the test ends."""
    (folder / "loudness.py").write_text(NEW_HEAD)
    monkeypatch.setattr(heads, "__path__", [*heads.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, "silencio.models.heads.loudness", raising=False)
