import sys
from pathlib import Path

import pytest

from silencio.config import resolve
from silencio.errors import ConfigError
from silencio.models import heads
from silencio.models.registry import head_class, head_names, supervisor_class

NEW_HEAD = """
import torch
from silencio.models.head import Head, HeadConfig

class LoudnessConfig(HeadConfig):
    kind: str = "loudness"
    bands: int = 4

class Loudness(Head):
    input_names = ("log_mel",)
    Config = LoudnessConfig

    def __init__(self, n_classes):
        super().__init__()
        self.classifier = torch.nn.Linear(1, n_classes)

    @classmethod
    def build(cls, config, spec, n_classes, *, encoders=None, initialize=True):
        return cls(n_classes)

    def forward(self, *inputs):
        return self.classifier(inputs[0].mean(dim=(1, 2))[:, None])
"""


def test_new_head__is_one_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loudness.py").write_text(NEW_HEAD)
    monkeypatch.setattr(heads, "__path__", [*heads.__path__, str(tmp_path)])
    try:
        config = resolve("{heads: {loudness: {epochs: 1, bands: 8}}, supervisor: {}}")
        assert config.heads["loudness"].bands == 8
        assert head_class("loudness").input_names == ("log_mel",)
    finally:
        sys.modules.pop("silencio.models.heads.loudness", None)


@pytest.mark.parametrize(("find", "what"), [(head_class, "head"), (supervisor_class, "supervisor")])
def test_unknown_name__lists_what_there_is(find, what: str) -> None:
    with pytest.raises(ConfigError, match=f"'resnett' is no {what}: there are "):
        find("resnett")


def test_every_head__is_documented() -> None:
    for kind in head_names():
        head = head_class(kind)
        assert head.__doc__ and head.Config.__doc__, kind
        undocumented = [
            name for name in set(head.Config.model_fields) - {"kind"} if f"{name}:" not in _docs(head.Config)
        ]
        assert not undocumented, f"{kind}: {undocumented}"


def _docs(config: type) -> str:
    return "".join(base.__doc__ or "" for base in config.__mro__)
