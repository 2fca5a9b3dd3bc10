"""The version that is installed."""

from __future__ import annotations

from importlib import metadata

import pytest

import silencio
from silencio.version import installed_version


def test_version__is_that_of_the_package() -> None:
    assert installed_version() == silencio.__version__ == metadata.version("silencio")


def test_version__of_a_tree_that_was_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_installed)
    assert installed_version() == "0+uninstalled"
