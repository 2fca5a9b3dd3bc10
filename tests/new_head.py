"""A head as somebody adds it: one file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from silencio.models import heads

NEW_HEAD = """
import torch
from silencio.models.head import Head, HeadConfig

class LoudnessConfig(HeadConfig):
    kind: str = "loudness"
    bands: int = 4

class Loudness(Head):
    input_names = ("log_mel",)
    Config = LoudnessConfig

    def __init__(self, bands, n_classes):
        super().__init__()
        self.pool = torch.nn.AdaptiveAvgPool2d((bands, 1))
        self.classifier = torch.nn.Linear(bands, n_classes)

    @classmethod
    def build(cls, config, around):
        return cls(config.bands, around.n_classes)

    def forward(self, *inputs):
        return self.classifier(self.pool(inputs[0].unsqueeze(1)).flatten(1))
"""


def add_head(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put it beside the others until the test ends."""
    (folder / "loudness.py").write_text(NEW_HEAD)
    monkeypatch.setattr(heads, "__path__", [*heads.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, "silencio.models.heads.loudness", raising=False)
