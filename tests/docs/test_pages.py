"""Every block of every page has a verdict, and every command of it could work; what is run is in test_commands.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from silencio.errors import ConfigError, SilencioError
from tests.docs.command_lines import CommandError, check, commands, goes_on
from tests.docs.pages import PAGES, Block, VerdictError, blocks, blocks_of


def _faults(page: Path) -> Iterator[str]:
    written = []
    for block in blocks(page):
        written.append(block.file)
        if block.language in ("sh", "bash"):
            for words in commands(block.text):
                if block.is_run and not block.stays_until and goes_on(words):
                    yield f'{block.where}: {" ".join(words)}: only Ctrl-C ends it: <!-- run: stays until "TEXT" -->'
                try:
                    check(words, written)
                except (CommandError, SilencioError) as error:
                    yield f"{block.where}: {' '.join(words)}: {error}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page__every_block_has_a_verdict(page: Path) -> None:
    list(blocks(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page__its_commands_name_what_is_there(page: Path) -> None:
    assert not list(_faults(page))


# What the change log tells of is not typed by anybody.
@pytest.mark.parametrize("page", PAGES[:-1], ids=lambda page: page.name)
def test_page__names_one_interpreter_in_its_words_too(page: Path) -> None:
    bare = re.compile(r"(?<![\w./-])(?:python3?|pip3?|mlflow)\s+(?:-m|install|server|gc)\b")
    assert not bare.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES[:-1], ids=lambda page: page.name)
def test_page__names_the_command_as_it_is_typed(page: Path) -> None:
    modules = r"silencio(?:\.(?:bundle|data|registry|evaluation|demo))?|pipelines|serving(?:\.access)?"
    otherwise = re.compile(rf"-m (?:{modules})(?![\w.])|bin/silencio\b")
    assert not otherwise.findall(page.read_text(encoding="utf-8"))


def _one(text: str) -> Block:
    (block,) = blocks_of(text, "page.md")
    return block


def test_block__of_commands_is_run_where_nothing_is_said() -> None:
    block = _one("# Page\n\nText.\n\n```sh\nmake help\n```\n")
    assert (block.where, block.is_run, block.is_slow, block.status) == ("page.md:5", True, False, 0)
    assert not _one("```yaml\na: 1\n```\n").is_run


def test_block__says_how_it_is_run() -> None:
    block = _one('<!-- run: slow, alone, stays until "ready, at last", ends with 1 -->\n```sh\nmake help\n```\n')
    assert (block.is_slow, block.is_alone, block.stays_until, block.status) == (True, True, "ready, at last", 1)
    assert not _one("<!-- not run: hours -->\n```sh\nmake bench\n```\n").is_run
    assert not _one("<!-- not run: .ci/run -->\n```sh\nmake demo\n```\n").is_run
    assert _one("<!-- file: a/b.yaml -->\n```yaml\na: 1\n```\n").file == "a/b.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "```\nmake demo\n```\n",
        "```console\n$ make demo\n```\n",
        "<!-- run: fast -->\n```sh\nmake demo\n```\n",
        "<!-- run: -->\n```sh\nmake demo\n```\n",
        "<!-- not run -->\n```sh\nmake demo\n```\n",
        "<!-- not run: too dull -->\n```sh\nmake demo\n```\n",
        "<!-- not run: tests/no_such_test.py -->\n```sh\nmake demo\n```\n",
        "<!-- not run: README.md -->\n```sh\nmake demo\n```\n",
        "<!-- skip -->\n```sh\nmake demo\n```\n",
        "<!-- run: slow -->\n```yaml\na: 1\n```\n",
    ],
)
def test_block__without_a_verdict_is_refused(text: str) -> None:
    with pytest.raises(VerdictError, match=r"page\.md:\d"):
        _one(text)


def test_commands__are_told_apart() -> None:
    text = "A=1 make x \\\n  y # no\ncat < a | tr -d b && echo 'c # d' > e\n\n"
    assert list(commands(text)) == [["make", "x", "y"], ["cat"], ["tr", "-d", "b"], ["echo", "c # d"]]


@pytest.mark.parametrize(
    "line",
    [
        "python -m benchmarks",
        "pip install numpy",
        "mlflow server",
        "make nothing",
        "scripts/nothing.sh",
        ".venv/bin/nothing",
        ".venv/bin/pip install -r requirements/nothing.txt",
        ".venv/bin/python scripts/nothing.py",
        ".venv/bin/python -m silencio.nothing",
        ".venv/bin/silencio list",
        "silencio",
        "silencio nothing",
        "silencio --nothing",
        "source .venv/bin/nothing",
        "silencio run train --data FOLDER",
        "silencio run train --data FOLDER --preset nothing --out out/x",
        "silencio run train --data FOLDER --preset demo --out out/x --set heads.nothing.epochs=1",
        "silencio data check --data FOLDER --loud",
        "podman run silencio",
    ],
)
def test_check__refuses_what_cannot_work(line: str) -> None:
    (words,) = commands(line)
    with pytest.raises((CommandError, ConfigError)):
        check(words)


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("silencio serve --bundle DIR", True),
        (".venv-serving/bin/python -m serving.transformer --bundle DIR", True),
        ("silencio produce --recordings FOLDER --to out", True),
        ("silencio produce --recordings FOLDER --to out --n 3", False),
        ("silencio consume --from a --to b --url http://127.0.0.1:8080", True),
        ("silencio consume --from a --to b --url http://127.0.0.1:8080 --once", False),
        ("silencio predict CLIP.ogg --bundle DIR", False),
        ("silencio keys new serve --keys keys.csv", False),
        (".venv/bin/mlflow server --port 5000", True),
        ("kubectl -n kubeflow port-forward svc/ml-pipeline 8888", True),
        ("make help", False),
    ],
)
def test_command__that_only_ctrl_c_ends_is_known(line: str, does: bool) -> None:
    (words,) = commands(line)
    assert goes_on(words) is does


@pytest.mark.parametrize(
    "line",
    [
        "make help",
        "source .venv-serving/bin/activate",
        "silencio --help",
        "curl -s http://127.0.0.1:8080/",
        ".venv/bin/pip install --no-deps --require-hashes -r requirements/birdnet.txt",
        "silencio run train --data FOLDER --preset demo --out out/x --set seed=1",
        ".venv-serving/bin/python -m serving.predictor --bundle DIR",
    ],
)
def test_check__takes_what_can(line: str) -> None:
    (words,) = commands(line)
    check(words)
