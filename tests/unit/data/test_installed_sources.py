"""Sources with a name: what installed packages offer under `silencio.sources`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from silencio.data import installed_sources
from silencio.data.birdclef import Source
from silencio.data.installed_sources import GROUP, is_installed_source, source_names
from silencio.data.source import absolute, check_is_there, open_source
from silencio.errors import SourceError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def package(tmp_path: Path, birdclef_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package of somebody else that offers the source `our-reserve`."""
    site = tmp_path / "site-packages"
    (site / "theirs-1.0.dist-info").mkdir(parents=True)
    (site / "theirs-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (site / "theirs-1.0.dist-info" / "entry_points.txt").write_text(f"[{GROUP}]\nour-reserve = their_sounds:folder\n")
    (site / "their_sounds.py").write_text(
        f"from pathlib import Path\n\ndef folder():\n    return Path({str(birdclef_folder)!r})\n"
    )
    monkeypatch.syspath_prepend(site)
    installed_sources._installed.cache_clear()
    yield
    installed_sources._installed.cache_clear()


def test_sources__of_this_package_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert source_names() == sorted(project["entry-points"][GROUP]) == ["demo", "instruments"]


@pytest.mark.usefixtures("package")
def test_source__of_another_package_is_read_as_any_folder(source: Source) -> None:
    assert source_names() == ["demo", "instruments", "our-reserve"]
    pd.testing.assert_frame_equal(open_source("our-reserve").recordings, source.recordings)
    assert absolute("our-reserve") == "our-reserve"
    check_is_there("our-reserve")


@pytest.mark.usefixtures("package")
def test_source__is_named_where_data_is_none() -> None:
    with pytest.raises(SourceError, match=r"nowhere is not a folder: .* demo or instruments or our-reserve"):
        open_source("nowhere")


@pytest.mark.parametrize("data", ["./demo", "/data/demo", "demo/", "s3://demo", "Demo", "demo.csv", "demo.zip", ""])
def test_source__a_place_is_no_name(data: str) -> None:
    assert not is_installed_source(data)
