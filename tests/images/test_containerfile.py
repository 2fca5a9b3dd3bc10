"""images/: what every image of the Containerfile keeps, read from its text; no engine is asked."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.image import NOWHERE
from delivery.rendered import Rendered
from tests.delivery.overlays import ARGOCD, NAMES, PLACE, golden_objects

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "images"
TARGETS = ("predictor", "transformer", "tools", "train", "monitor", "tracking")
SERVING = ("predictor", "transformer", "tools")
_SPEC = importlib.util.spec_from_file_location("build_images_read", ROOT / "scripts" / "build_images.py")
assert _SPEC and _SPEC.loader
SCRIPT = sys.modules[_SPEC.name] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(SCRIPT)
IMAGES_BUILT = SCRIPT.IMAGES
INSTALL = (IMAGES / "install.sh").read_text(encoding="utf-8")


@dataclass
class Stage:
    """One `FROM … AS name`, and what it adds to the stage or image below it."""

    name: str
    below: str
    instructions: list[tuple[str, str]] = field(default_factory=list)


def read_stages(text: str) -> tuple[dict[str, str], dict[str, Stage]]:
    """Arguments before the first stage, with their defaults, and the stages by name."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            below, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()  # type: ignore[union-attr]
            current = stages[name] = Stage(name, below)
        elif current is None:
            arguments.update([rest.split("=", 1)])
        else:
            current.instructions.append((word, rest.strip()))
    return arguments, stages


ARGUMENTS, STAGES = read_stages((IMAGES / "Containerfile").read_text(encoding="utf-8"))


def everything(target: str, word: str) -> list[str]:
    """What a target and the stages below it say by one instruction, the lowest first."""
    stage = STAGES.get(target)
    if stage is None:
        return []
    return [*everything(stage.below, word), *(rest for found, rest in stage.instructions if found == word)]


def labels(target: str) -> dict[str, str]:
    """A target's OCI labels, by the name behind `org.opencontainers.image.`."""
    text = " ".join(everything(target, "LABEL"))
    return dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', text))


def copied() -> Iterator[tuple[Stage, list[str]]]:
    """Each COPY of the build's own folder, with its sources."""
    for stage in STAGES.values():
        for word, rest in stage.instructions:
            if word == "COPY" and "--from=" not in rest:
                yield stage, rest.split()[:-1]


def defaults() -> dict[str, str]:
    """Every argument with the default that it has somewhere."""
    inside = (rest for stage in STAGES.values() for word, rest in stage.instructions if word == "ARG")
    return ARGUMENTS | dict(rest.split("=", 1) for rest in inside if "=" in rest)


def test_targets__are_the_images() -> None:
    used = {stage.below for stage in STAGES.values()}
    used |= {
        name
        for stage in STAGES.values()
        for _, rest in stage.instructions
        for name in re.findall(r"from=([\w-]+)", rest)
    }
    assert set(STAGES) - used == set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_image__runs_as_a_number_that_is_not_root(target: str) -> None:
    """By a name, Kubernetes cannot tell that it is not root, and refuses the pod (`runAsNonRoot`)."""
    assert everything(target, "USER")[-1] == "10001:10001"


@pytest.mark.parametrize("target", TARGETS)
def test_image__says_what_it_is_and_of_which_version_and_commit(target: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = labels(target)
    assert {"title", "description", "vendor", "licenses", "version", "revision", "base.name"} <= set(found)
    assert found["version"] == project["version"]
    assert found["licenses"] == project["license"]
    assert found["title"] == f"silencio {target}"
    assert found["revision"] == "${SILENCIO_CODE_VERSION}"
    assert "SILENCIO_CODE_VERSION=${SILENCIO_CODE_VERSION}" in everything(target, "ENV")


@pytest.mark.parametrize("target", TARGETS)
def test_image__writes_nothing_but_below_tmp(target: str) -> None:
    found = " ".join(everything(target, "ENV"))
    assert "PYTHONDONTWRITEBYTECODE=1" in found
    assert "HOME=/tmp" in found
    assert "PYTHONSAFEPATH=1" in found
    assert everything(target, "WORKDIR") == []  # of the stages that build alone
    assert everything(target, "VOLUME") == []


def test_images__are_built_upon_one_base_that_an_argument_names() -> None:
    below = {stage.below for stage in STAGES.values()} - set(STAGES)
    assert below == {"${BASE}"}
    tag = ARGUMENTS["BASE"].rpartition(":")[2]
    assert re.match(r"3\.1[12]", tag)


def test_images__name_nothing_that_moves() -> None:
    for path in IMAGES.rglob("*"):
        if path.is_file() and path.suffix != ".whl":
            assert ":latest" not in path.read_text(encoding="utf-8"), path


def test_images__name_no_index_of_packages() -> None:
    """An index is of a place: pip's own, or what the secrets of the build say."""
    for path in (IMAGES / "Containerfile", IMAGES / "install.sh"):
        assert "://" not in path.read_text(encoding="utf-8")
        assert "index-url" not in path.read_text(encoding="utf-8")


def test_containerfile__needs_no_frontend_that_is_fetched() -> None:
    assert "# syntax=" not in (IMAGES / "Containerfile").read_text(encoding="utf-8")


def test_copies__have_sources_that_are_there_and_that_the_context_holds() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    taken = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines  # nothing else comes in: no environments, recordings, keys
    for stage, sources in copied():
        for source in sources:
            source = re.sub(r"\$\{(\w+)\}", lambda found: defaults()[found[1]], source)
            assert (ROOT / source).exists(), (stage.name, source)
            assert source.split("/")[0] in taken, (stage.name, source)


def test_mounts_of_stages__are_of_stages_that_are_there() -> None:
    for stage in STAGES.values():
        for _, rest in stage.instructions:
            assert set(re.findall(r"\bfrom=([\w-]+)", rest)) <= set(STAGES), stage.name


@pytest.mark.parametrize("target", TARGETS)
def test_image__copies_nothing_in_so_that_no_layer_is_made_twice(target: str) -> None:
    """What installs is mounted for as long as it works: neither pip nor a wheel is in an image."""
    assert everything(target, "COPY") == []
    assert everything(target, "ADD") == []


def test_wheel__holds_every_package_of_the_distribution() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    sources = {source for stage, each in copied() if stage.name == "wheel" for source in each}
    assert {Path(package).parts[0] for package in build["targets"]["wheel"]["packages"]} <= sources


def test_installs__are_by_hashes_but_for_the_two_that_the_readme_names() -> None:
    installs = re.findall(r"pip install (.*)", INSTALL)
    unhashed = [line for line in installs if "--require-hashes" not in line and "--no-index" not in line]
    assert sorted({name for line in unhashed for name in re.findall(r"'([a-z]+)==", line)}) == ["torch", "torchvision"]
    assert all(re.search(r"'[a-z]+==[0-9.]+'", line) for line in unhashed)
    everywhere = " ".join(rest for stage in STAGES.values() for word, rest in stage.instructions if word == "RUN")
    assert "pip install" not in everywhere


def test_torch__is_the_one_that_environments_have() -> None:
    environment = (ROOT / "scripts" / "make_environment.sh").read_text(encoding="utf-8")
    pins = {text: set(re.findall(r"'((?:torch|torchvision)==[0-9.]+)'", text)) for text in (environment, INSTALL)}
    assert pins[environment] == pins[INSTALL] != set()


@pytest.mark.parametrize("target", SERVING)
def test_serving_images__hold_what_the_serving_environment_holds(target: str) -> None:
    (made,) = re.findall(
        r"^\tscripts/make_environment\.sh \$\(PYTHON\) \$\(SERVING_VENV\) (\S+)$",
        (ROOT / "Makefile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert defaults()["SERVING"] == made
    assert 'install.sh "${SERVING}"' in " ".join(everything(target, "RUN"))
    assert "requirements/${SERVING}.txt requirements/" in everything("serving-lists", "COPY")


@pytest.mark.parametrize("value", ["serve-cpu", "serve-gpu"])
def test_serving_argument__has_requirements(value: str) -> None:
    assert (ROOT / "requirements" / f"{value}.txt").is_file()


def test_entry_points__are_modules_that_are_there_and_train_has_none() -> None:
    """KFP's runner of containers hands a step's command to an entry point as options."""
    for target in ("predictor", "transformer"):
        assert everything(target, "ENTRYPOINT") == [f'["python", "-m", "serving.{target}"]']
        assert (ROOT / "serving" / target / "__main__.py").is_file()
    assert everything("tools", "ENTRYPOINT") == ['["silencio"]']
    assert [everything(target, "ENTRYPOINT") for target in ("train", "monitor", "tracking")] == [[], [], []]


def test_secrets__are_mounted_and_never_arguments() -> None:
    mounted = {
        name for stage in STAGES.values() for _, rest in stage.instructions for name in re.findall(r"id=([\w.]+)", rest)
    }
    assert mounted == {"pip.conf", "ca.pem"}
    assert set(defaults()) == {"BASE", "SERVING", "TORCH", "SILENCIO_CODE_VERSION"}


def _install_calls() -> Iterator[str]:
    runs = (rest for stage in STAGES.values() for word, rest in stage.instructions if word == "RUN")
    return (call for rest in runs for call in re.findall(r"images/install\.sh (.+)", rest))


def test_install__takes_what_each_stage_tells_it() -> None:
    sets = {call.split()[0].strip('"') for call in _install_calls()}
    assert sets == {"build", "${SERVING}", "train", "monitor", "tracking", "wheel"}
    script = (IMAGES / "import_modules.py").read_text(encoding="utf-8")
    imported = {call.split()[1] for call in _install_calls() if call.startswith("wheel ")} | {"tracking"}
    assert imported == set(re.findall(r'^    "(\w+)": \($', script.partition("_LATER = {")[2], re.MULTILINE))


# By the list of what is left out: the environment that has the same packages, and our folders that import them.
_UNNEEDED = {
    "unneeded": (".venv-serving", ("src", "serving")),
    "unneeded-monitor": (".venv-monitor", ("src", "serving", "monitoring", "components")),
}


def _patterns() -> list[tuple[str, str]]:
    lines = ((name, line) for name in _UNNEEDED for line in (IMAGES / f"{name}.txt").read_text("utf-8").splitlines())
    return [(name, pattern) for name, line in lines for pattern in line.partition("#")[0].split()]


@functools.cache
def _imported(folders: tuple[str, ...]) -> frozenset[str]:
    """Every module that the source in our folders imports, under each of its prefixes."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    lines = re.compile(r"^\s*(?:from|import) ([\w.]+)", re.MULTILINE)
    names = {name for path in paths for name in lines.findall(path.read_text(encoding="utf-8"))}
    return frozenset(".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2))


@pytest.mark.parametrize(("name", "pattern"), _patterns())
def test_unneeded__is_in_the_environment_and_imported_by_nothing_of_ours(name: str, pattern: str) -> None:
    environment, folders = _UNNEEDED[name]
    assert not pattern.startswith(("/", "."))
    assert pattern.partition(".")[0].replace("/", ".") not in _imported(folders)
    site = next(iter((ROOT / environment / "lib").glob("python3*/site-packages")), None)
    if site is not None:  # a clone in which nothing was made yet
        met = list(site.glob(pattern))
        assert met, f"{pattern}: the build of the image would end here"
        assert "*" not in pattern or not [path for path in met if path.suffix == ".py"], "modules are named one by one"


def test_unneeded__an_import_would_be_seen() -> None:
    assert {"pyarrow", "pyarrow.parquet", "kserve", "serving.server"} <= _imported(("src", "serving"))


PAGE = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")


def test_page__has_every_image_and_every_argument_with_its_default() -> None:
    assert set(re.findall(r"^\| `silencio/([\w-]+)` \|", PAGE, re.MULTILINE)) == set(IMAGES_BUILT)
    told = dict(re.findall(r"^\| `([A-Z]+)` \| (.*?) \|", PAGE, re.MULTILINE))
    assert set(told) == set(defaults()) - {"SILENCIO_CODE_VERSION", "SERVING"}
    assert told["TORCH"] == f"`{defaults()['TORCH']}`"


def test_page__has_the_limit_that_the_script_holds_images_to() -> None:
    script = (ROOT / "scripts" / "build_images.py").read_text(encoding="utf-8")
    (limit,) = re.findall(r"^MAX_SERVING_BYTES = ([\d_]+)$", script, re.MULTILINE)
    assert f"more than {int(limit) // 1_000_000} MB" in PAGE


def test_script_and_file__know_the_same_targets_and_arguments() -> None:
    assert {target for target, _ in IMAGES_BUILT.values()} == set(TARGETS)
    given = {name for _, arguments in IMAGES_BUILT.values() for name in arguments}
    assert given | set(SCRIPT.ARGUMENTS) == set(defaults()) - {"SILENCIO_CODE_VERSION"}
    assert all((ROOT / "requirements" / f"{one['SERVING']}.txt").is_file() for _, one in IMAGES_BUILT.values() if one)


# Renders in which servers of ours run; the others have none of our images, or none at all.
SERVED = {*NAMES} - {"monitoring", "queues", *ARGOCD}


@pytest.mark.parametrize("name", NAMES)
def test_manifests__name_no_image_of_ours_that_is_not_built(name: str) -> None:
    """In whatever registry, and with the version by which they are tagged."""
    ours = re.compile(rf"(?:registry\.example/silencio|{re.escape(PLACE)}|silencio)/([\w-]+)(?::(.+)|@sha256:\w+)")
    named = [str(one["image"]) for pod in Rendered(golden_objects(name)).pods for one in pod.containers]
    found = [match.groups() for image in named if (match := ours.fullmatch(image))]
    assert found or name not in SERVED
    assert {image for image, _ in found} <= set(IMAGES_BUILT)
    assert {tag for _, tag in found if tag} <= {SCRIPT.version()}


def test_pipelines__name_the_image_of_steps_as_manifests_do() -> None:
    named = (ROOT / "manifests" / "release" / "deployment.yaml").read_text(encoding="utf-8")
    assert f"image: {NOWHERE}/train:{SCRIPT.version()}\n" in named
    for path in (ROOT / "pipelines" / "compiled").glob("*.yaml"):
        images = set(re.findall(r"^ +image: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
        image = "monitor" if path.name.startswith("drift-") else "train"
        assert images == {f"{NOWHERE}/{image}:{SCRIPT.version()}"}, path.name
