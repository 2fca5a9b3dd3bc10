import pkgutil
from pathlib import Path

import pytest

from silencio.config import resolve
from silencio.errors import ConfigError
from silencio.models import heads
from silencio.models.registry import head_class, supervisor_class
from tests.new_head import add_head


def test_new_head__is_one_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_head(tmp_path, monkeypatch)
    config = resolve("{heads: {loudness: {epochs: 1, bands: 8}}, supervisor: {}}")
    assert config.heads["loudness"].bands == 8
    assert head_class("loudness").input_names == ("log_mel",)


@pytest.mark.parametrize(("find", "what"), [(head_class, "head"), (supervisor_class, "supervisor")])
def test_unknown_name__lists_what_there_is(find, what: str) -> None:
    with pytest.raises(ConfigError, match=f"'resnett' is no {what}: there are "):
        find("resnett")


def test_every_head__is_documented() -> None:
    kinds = [module.name for module in pkgutil.iter_modules(heads.__path__) if not module.name.startswith("_")]
    assert len(kinds) >= 5
    for kind in kinds:
        head = head_class(kind)
        assert head.__doc__ and head.Config.__doc__, kind
        undocumented = [
            name for name in set(head.Config.model_fields) - {"kind"} if f"{name}:" not in _docs(head.Config)
        ]
        assert not undocumented, f"{kind}: {undocumented}"


def _docs(config: type) -> str:
    return "".join(base.__doc__ or "" for base in config.__mro__)
