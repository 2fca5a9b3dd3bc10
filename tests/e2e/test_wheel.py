"""The distribution as others install it: a wheel, in an environment elsewhere, without the clone and Debian's tools.

What it depends on is lent by the environment of the tests; nothing is fetched.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest
import soundfile

from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.config import preset_names

ROOT = Path(__file__).parents[2]
# As they lie in the repository; ARCHITECTURE.md says why the wheel keeps these names.
ROOMS = ["components", "monitoring", "pipelines", "serving", "silencio"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.glob("silencio-*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder; `bin/silencio` is in it."""
    folder = tmp_path_factory.mktemp("elsewhere") / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    # The editable install of the tests' own environment is a .pth file, and those of lent folders are not followed.
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return folder


def run(elsewhere: Path, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Beside the environment, with nothing of the system's on the PATH: no apt, no dpkg, no git."""
    return subprocess.run(
        [elsewhere / "bin" / program, *arguments],
        cwd=elsewhere.parent,
        env={"PATH": str(elsewhere / "bin"), "HOME": str(elsewhere.parent), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel__has_these_names_and_no_other_distribution_here_has_one_of_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition("/")[0] for name in archive.namelist()}
    assert sorted(name for name in names if not name.endswith(".dist-info")) == ROOMS
    owners = packages_distributions()
    assert {owner for name in ROOMS for owner in owners.get(name, [])} <= {"silencio"}


def test_environment__has_the_wheels_modules_and_not_the_clones(elsewhere: Path) -> None:
    code = f"import {', '.join(ROOMS)}; print(*({', '.join(f'{name}.__file__' for name in ROOMS)}), sep='\\n')"
    done = run(elsewhere, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert all(Path(line).is_relative_to(elsewhere) for line in done.stdout.splitlines())


def test_silencio__prints_the_help_of_every_command(elsewhere: Path) -> None:
    listed = run(elsewhere, "silencio", "--help")
    assert listed.returncode == 0, listed.stderr
    names = [line.split()[0] for line in listed.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    code = (
        "import sys\nfrom silencio.__main__ import main\nfor name in sys.argv[1:]:\n"
        "    try:\n        main([name, '--help'])\n    except SystemExit as end:\n        assert end.code == 0, name\n"
    )
    done = run(elsewhere, "python", "-c", code, *names)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: silencio ") == len(names) > 10


def test_predict__answers_with_a_bundle(elsewhere: Path, tmp_path: Path) -> None:
    bundle = write_placeholder_bundle(tmp_path / "bundle")
    recording = tmp_path / "dawn.ogg"
    soundfile.write(recording, 0.1 * np.random.default_rng(0).standard_normal(32_000 * 7), 32_000)
    done = run(elsewhere, "silencio", "predict", recording, "--bundle", bundle, "--format", "json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [window["start_s"] for window in answer["windows"]] == [0.0, 2.0]
    code = "import silencio, sys; print(len(silencio.predict(sys.argv[1], sys.argv[2], top_k='all')))"
    table = run(elsewhere, "python", "-c", code, bundle, recording)
    assert table.stdout == "10\n", table.stderr


def test_list__names_the_presets_and_their_compiled_pipelines(elsewhere: Path) -> None:
    done = run(elsewhere, "silencio", "list")
    assert done.returncode == 0, done.stderr
    assert [name for name in preset_names() if f"train-{name}-" not in done.stdout] == []
