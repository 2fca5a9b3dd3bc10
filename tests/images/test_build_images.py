"""scripts/build_images.py with made-up clients of Docker: what it says, and what it would have an engine do."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "build_images.py"

# Answers what the script asks; each build's arguments stand in a line of the file beside it.
CLIENT = """#!/bin/sh
case "$*" in
version*Client*) echo {client} ;;
version*) {engine} ;;
buildx*) exit {buildx} ;;
network*) printf '{networks}' ;;
build*) echo "$@" >>"$(dirname "$0")/builds"; exit {build} ;;
image*) echo '[{{"Size": {size}, "Architecture": "amd64"}}]' ;;
run*) printf '200000\\t/opt/silencio/lib/big\\n100\\t/var\\n' ;;
esac
"""
ANSWERS = {"client": "20.10.24", "engine": "echo 20.10.24", "buildx": 1, "networks": "bridge\\nhost\\n", "build": 0}
INDEX = "https://name:secret@index.example.org/simple"
NO_ENGINE = "echo Cannot connect to the Docker daemon >&2; exit 1"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_images", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def client(folder: Path, size: int = 600_000_000, **answers: object) -> Path:
    """A folder with a client that answers so."""
    folder.mkdir(exist_ok=True)
    (folder / "docker").write_text(CLIENT.format(**(ANSWERS | answers), size=size))
    (folder / "docker").chmod(0o755)
    return folder


@dataclass(frozen=True)
class Done:
    """How the script ended, and what it printed."""

    status: int
    out: str
    err: str


@pytest.fixture
def run(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run the script with these folders for its path, in which nothing of Docker's is but what they hold."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dirname", "git"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for name in ("DOCKER_HOST", "BASE", "TORCH"):
        monkeypatch.delenv(name, raising=False)
    # Half a second each time; what it finds is a test's own.
    monkeypatch.setattr(script, "_pip_settings", lambda: {"index-url": INDEX})

    def done(*folders: Path, targets: Sequence[str] = ("predictor",)) -> Done:
        monkeypatch.setenv("PATH", os.pathsep.join(map(str, [*folders, programs])))
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *targets])
        status = script.main()
        return Done(status, *capfd.readouterr())

    return done


def builds(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "builds").read_text().splitlines()]


def test_no_engine__is_one_sentence_that_says_what_to_type(tmp_path: Path, run: Callable[..., Done]) -> None:
    done = run(client(tmp_path / "client", engine=NO_ENGINE))
    assert done.status == 1
    assert done.out == ""
    assert done.err.splitlines() == [
        "error: no Docker engine answers (Cannot connect to the Docker daemon): start one, or on Debian as root: "
        "scripts/with_docker_engine.sh make images"
    ]


def test_client_without_buildkit__is_passed_over_for_one_that_has_it(tmp_path: Path, run: Callable[..., Done]) -> None:
    """As a newer client without buildx stands before Debian's in the path."""
    newer, debians = client(tmp_path / "newer", client="28.2.2"), client(tmp_path / "debians")
    assert run(newer, debians).status == 0
    assert len(builds(debians)) == 1
    assert not (newer / "builds").exists()
    alone = run(newer)
    assert (alone.status, len(alone.err.splitlines())) == (1, 1)
    assert "BuildKit" in alone.err


def test_newer_client_with_buildx__builds(tmp_path: Path, run: Callable[..., Done]) -> None:
    assert run(client(tmp_path / "client", client="28.2.2", buildx=0)).status == 0


def test_build__tags_by_the_version_and_names_the_target(
    tmp_path: Path, script: ModuleType, run: Callable[..., Done]
) -> None:
    done = run(client(tmp_path / "client"), targets=("predictor", "tools"))
    assert done.status == 0, done.err
    # Side by side: whoever comes first.
    made = {arguments[arguments.index("--target") + 1]: arguments for arguments in builds(tmp_path / "client")}
    assert set(made) == {"predictor", "tools"}
    for target, arguments in made.items():
        assert arguments[arguments.index("--tag") + 1] == f"silencio/{target}:{script.version()}"
        assert arguments[-1] == "."
        assert f"silencio/{target}:{script.version()}: 600 MB, " in done.out


def test_build__without_a_name_makes_all_but_what_few_need(tmp_path: Path, run: Callable[..., Done]) -> None:
    run(client(tmp_path / "client"), targets=())
    tags = {arguments[arguments.index("--tag") + 1].split(":")[0] for arguments in builds(tmp_path / "client")}
    assert tags == {
        f"silencio/{name}" for name in ("predictor", "transformer", "tools", "train", "monitor", "tracking")
    }


def test_build__the_predictor_for_gpus_is_the_predictor_with_other_requirements(
    tmp_path: Path, run: Callable[..., Done]
) -> None:
    assert run(client(tmp_path / "client"), targets=("predictor-gpu",)).status == 0
    (arguments,) = builds(tmp_path / "client")
    assert arguments[arguments.index("--target") + 1] == "predictor"
    assert arguments[arguments.index("--tag") + 1].startswith("silencio/predictor-gpu:")
    assert "--build-arg=SERVING=serve-gpu" in arguments


def test_build__uses_the_hosts_network_only_where_containers_have_none(
    tmp_path: Path, run: Callable[..., Done]
) -> None:
    with_bridge, without = client(tmp_path / "with"), client(tmp_path / "without", networks="host\\nnone\\n")
    for folder, network in ((with_bridge, "default"), (without, "host")):
        run(folder)
        (arguments,) = builds(folder)
        assert arguments[arguments.index("--network") + 1] == network


def test_build__hands_on_base_and_torch_and_no_index(
    tmp_path: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments stay readable in an image's history for ever: an index may have a password in it."""
    monkeypatch.setenv("BASE", "example.org/python:3.11")
    monkeypatch.setenv("TORCH", "cuda")
    run(client(tmp_path / "client"))
    (arguments,) = builds(tmp_path / "client")
    assert "--build-arg=BASE=example.org/python:3.11" in arguments
    assert "--build-arg=TORCH=cuda" in arguments
    assert not any("secret@" in argument for argument in arguments)
    assert any(argument.startswith("id=pip.conf,src=") for argument in arguments)


def test_pip_configuration__has_what_holds_in_a_container_too(script: ModuleType) -> None:
    settings = {
        "index-url": "https://index.example.org/simple",
        "extra-index-url": "file:///srv/simple https://more.example.org/simple",
        "find-links": "/srv/wheels",
        "cert": "/etc/ssl/here.pem",
        "constraint": "/etc/constraints.txt",
    }
    text = script.pip_configuration(settings)
    assert text.split() == [
        "[global]",
        *("index-url", "=", "https://index.example.org/simple"),
        *("extra-index-url", "=", "https://more.example.org/simple"),
    ]


def test_wheels__torch_for_processors_is_laid_from_pips_own_folder(script: ModuleType, tmp_path: Path) -> None:
    links, context = tmp_path / "links", tmp_path / "context"
    links.mkdir()
    context.mkdir()
    for name in (
        "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl",
        "torch-2.13.0-cp311.whl",
        "torch-2.14.1+cpu-cp311.whl",
    ):
        (links / name).write_bytes(b"")
    assert script.lay_wheels({"find-links": str(links)}, context) == ["torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl"]
    assert [path.name for path in context.iterdir()] == ["torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl"]
    assert script.lay_wheels({}, context) == []


def test_too_large_an_image__has_its_largest_parts_listed(tmp_path: Path, run: Callable[..., Done]) -> None:
    done = run(client(tmp_path / "client", size=751_000_000))
    assert done.status == 0
    assert "205 MB  /opt/silencio/lib/big" in done.out
    small = run(client(tmp_path / "small", size=749_000_000))
    assert "/opt/silencio" not in small.out


def test_failed_build__ends_with_a_sentence_that_names_each_image(tmp_path: Path, run: Callable[..., Done]) -> None:
    done = run(client(tmp_path / "client", build=3), targets=("predictor", "tools"))
    assert done.status == 1
    last = done.err.splitlines()[-1]
    assert "silencio/predictor" in last
    assert "silencio/tools" in last
    assert "600 MB" not in done.out


def test_unknown_image__is_refused_by_its_name(tmp_path: Path, run: Callable[..., Done]) -> None:
    done = run(client(tmp_path / "client"), targets=("predicter",))
    assert done.status == 1
    assert (
        done.err
        == "error: 'predicter' is no image: predictor, transformer, tools, train, monitor, tracking, predictor-gpu\n"
    )


def test_engine_script__says_in_one_sentence_why_it_starts_none(tmp_path: Path) -> None:
    folder = client(tmp_path / "client", engine=NO_ENGINE)
    (folder / "id").write_text("#!/bin/sh\necho 1000\n")
    (folder / "id").chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    command = [str(ROOT / "scripts" / "with_docker_engine.sh"), "echo", "built"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == (
        "no Docker engine answers here, and only root may start one: start Docker, or run this as root\n"
    )


def test_engine_script__uses_the_engine_that_answers(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": f"{client(tmp_path / 'client')}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    command = [str(ROOT / "scripts" / "with_docker_engine.sh"), "echo", "built"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "built\n")


def test_build__needs_nothing_but_an_interpreter() -> None:
    """Who builds images need not train: `make images` makes no environment."""
    (recipe,) = re.findall(r"^images:.*\n\t(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe == "PYTHONPATH=src $(PYTHON) scripts/build_images.py $(ONLY)"
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path[:0] = {[str(ROOT / 'src'), str(ROOT / 'scripts')]}",
    ]
    command[-1] += "; import build_images"
    subprocess.run(command, check=True)
