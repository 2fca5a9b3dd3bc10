"""How to install an extra: of this very library, wherever it came from, and never by a name that anybody may take."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from silencio import extras
from silencio.bundle.encoders import RUNTIMES
from silencio.encoders.registry import encoder_names, known_encoder
from silencio.errors import ConfigError
from silencio.extras import install_command, missing_packages, require

ROOT = Path(__file__).parents[2]
# An argument of pip that an index would be asked for: the name, with or without an extra, and nothing that says where.
_BY_NAME = re.compile(r"(?<![\w./-])silencio(?:\[[a-z,{} -]*\])?(?![\w./\[-]| @)")


def _words(*names: str) -> list[str]:
    return shlex.split(install_command(*names))


def test_clone__is_named_by_its_folder_and_this_interpreter() -> None:
    assert _words("birdnet") == [sys.executable, "-m", "pip", "install", "-e", f"{ROOT}[birdnet]"]
    assert _words("serve-cpu", "litert")[-1] == f"{ROOT}[serve-cpu,litert]"


def test_clone__pip_understands_the_command() -> None:
    # Nothing is looked for on an index, and nothing installed: what the extra of nothing needs is here.
    words = [*_words("birdnet"), "--dry-run", "--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_clone__sends_what_trains_from_the_environment_that_only_serves_to_the_other_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv-serving"))
    for names in (["train"], ["train", "pipelines"]):
        assert _words(*names) == ["make", "-C", str(ROOT), ".venv/.ready", "&&", "source", f"{ROOT}/.venv/bin/activate"]
    # What serving lacks belongs into serving.
    assert _words("litert") == [sys.executable, "-m", "pip", "install", "-e", f"{ROOT}[litert]"]
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv"))
    assert "pip" in _words("train")


@pytest.mark.parametrize("name", [".venv", ".venv-serving"])
def test_clone__gives_what_watches_an_environment_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(ROOT / name))
    made = ["make", "-C", str(ROOT), ".venv-monitor/.ready", "&&", "source", f"{ROOT}/.venv-monitor/bin/activate"]
    assert _words("monitor") == made
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv-monitor"))
    assert "pip" in _words("monitor")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library as it lies in an environment: without its clone."""
    monkeypatch.setattr(extras, "_TREE", tmp_path)
    return tmp_path


def _distribution(folder: Path, monkeypatch: pytest.MonkeyPatch, direct_url: str = "") -> None:
    info = folder / "silencio-9.8.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: silencio\nVersion: 9.8\n")
    if direct_url:
        (info / "direct_url.json").write_text(direct_url)
    monkeypatch.setattr(metadata, "distribution", lambda name: metadata.Distribution.at(info))


_GIT = "https://git.example.org/silencio.git"
_COMMIT = "bbf0d3d1f1d6fbb5b3d1a3c5e7d4d6a2f0e1c9b8"


@pytest.mark.parametrize(
    ("described", "named"),
    [
        ({"url": "file:///srv/silencio-9.8-py3-none-any.whl", "archive_info": {}}, ""),
        ({"url": "https://files.example.org/silencio-9.8.tar.gz", "archive_info": {"hashes": {"sha256": "ab"}}}, ""),
        ({"url": "file:///srv/silencio", "dir_info": {}}, ""),
        ({"url": _GIT, "vcs_info": {"vcs": "git", "commit_id": _COMMIT}}, f"git+{_GIT}@{_COMMIT}"),
        (
            {"url": _GIT, "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": _COMMIT}},
            f"git+{_GIT}@{_COMMIT}",
        ),
        (
            {"url": "ssh://git@git.example.org/birds", "vcs_info": {"vcs": "git", "commit_id": _COMMIT}}
            | {"subdirectory": "silencio"},
            f"git+ssh://git@git.example.org/birds@{_COMMIT}#subdirectory=silencio",
        ),
    ],
    ids=["wheel", "archive", "folder", "repository", "branch", "below a repository"],
)
def test_installed__is_named_by_what_it_came_from(
    described: dict[str, Any], named: str, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _distribution(installed, monkeypatch, json.dumps(described))
    assert _words("litert")[-1] == f"silencio[litert] @ {named or described['url']}"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_installed__from_a_repository_pip_understands_the_command(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    (origin / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "silencio"\nversion = "9.8"\n[project.optional-dependencies]\nlitert = []\n'
        "[tool.setuptools]\npackages = []\n"
    )
    git = ["git", "-C", str(origin), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "a"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    described = {"url": origin.as_uri(), "vcs_info": {"vcs": "git", "commit_id": commit}}
    _distribution(installed, monkeypatch, json.dumps(described))
    words = [*_words("litert"), "--dry-run", "--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_wheel__that_nobody_remembers_is_left_to_be_filled_in(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _distribution(installed, monkeypatch)
    assert _words("litert")[-1] == "silencio[litert] @ file:///FOLDER/silencio-9.8-py3-none-any.whl"


def test_extra__every_one_that_the_code_advises_exists() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    advised = {known_encoder(name).weights.extra for name in encoder_names()} - {""}
    advised |= {extra for _, _, extra in RUNTIMES.values()}
    for path in (ROOT / "src").rglob("*.py"):
        advised |= set(re.findall(r"install_command\([\"']([a-z-]+)", path.read_text(encoding="utf-8")))
    assert {"train", "birdnet", "litert"} <= advised <= set(known)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extras of a made-up version of this library, some of which is not installed."""
    lines = [
        "numpy>=2",
        'absent-a>=1; extra == "train"',
        'numpy; extra == "train"',
        'silencio[serve]; extra == "serve-cpu"',
        'Absent_B; extra == "serve"',
        'onnxruntime; extra == "serve-cpu"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: lines)


def test_missing_packages__are_those_of_the_extras_and_of_extras_in_them(named: None) -> None:
    assert missing_packages("train") == ["absent-a"]
    assert missing_packages("serve-cpu") == ["Absent_B"]
    assert missing_packages("train", "serve-cpu") == ["Absent_B", "absent-a"]
    assert missing_packages() == missing_packages("birdnet") == []


def test_missing_packages__a_build_for_another_processor_is_as_good(
    named: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = {"numpy", "absent-a", "Absent_B", "onnxruntime-gpu"}
    monkeypatch.setattr(extras, "_is_installed", present.__contains__)
    assert missing_packages("serve-cpu") == []
    present.remove("onnxruntime-gpu")
    assert missing_packages("serve-cpu") == ["onnxruntime"]


def test_missing_packages__of_a_tree_that_was_never_installed_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert missing_packages("train") == []


def test_require__refuses_in_one_sentence_with_what_to_type(named: None) -> None:
    require("birdnet", needed_by="silencio serve")
    with pytest.raises(ConfigError) as refused:
        require("train", needed_by="silencio run")
    assert str(refused.value) == (
        f"silencio run needs packages that are not installed here (absent-a): {install_command('train')}"
    )


def _texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True, text=True
    ).stdout.split("\0")
    suffixes = {".md", ".py", ".sh", ".yaml", ".yml", ".toml", ".txt", ".in", ""}
    return [ROOT / name for name in listed if name and Path(name).suffix in suffixes and (ROOT / name).is_file()]


def _advice(text: str) -> list[str]:
    """Lines that install the library by its name."""
    lines = text.replace("\\\n", " ").splitlines()
    return [
        line
        for line in lines
        if (found := re.search(r"\binstall\b(.*)", line)) and _BY_NAME.search(found[1].split("#")[0])
    ]


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no git, no list of files")
def test_tree__tells_nobody_to_install_it_from_an_index() -> None:
    here = Path(__file__)
    found = {
        str(path.relative_to(ROOT)): advice
        for path in _texts()
        if path != here and (advice := _advice(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}
    # Nor in words of their own: an extra by the library's name stands in pyproject.toml alone, where it means itself.
    named = re.compile(r"\bsilencio\[[a-z,-]+\](?! @)")
    naming = {
        str(path.relative_to(ROOT))
        for path in _texts()
        if path != here and named.search(path.read_text(errors="replace"))
    }
    assert naming == {"pyproject.toml"}


@pytest.mark.parametrize(
    "line",
    [
        "pip install silencio",
        "pip install 'silencio[birdnet]'",
        ".venv/bin/pip install -U silencio[train,birdnet]",
        "uv pip install silencio==0.1.0",
        "install silencio[litert]",
    ],
)
def test_advice__by_name_is_found(line: str) -> None:
    assert _advice(line)


@pytest.mark.parametrize(
    "line",
    [
        ".venv/bin/pip install -e '.[birdnet]'",
        "pip install 'silencio[birdnet] @ file:///srv/silencio.whl'",
        "pip install --editable /home/me/silencio",
        "pip install ./silencio-0.1.0-py3-none-any.whl",
        "pip install -e ../silencio[birdnet]",
    ],
)
def test_advice__of_a_place_is_not(line: str) -> None:
    assert not _advice(line)
