"""The documentation's fenced blocks, and what stands before each about running it.

A block is run as it stands, in the order of its page, unless a comment in the line before it says otherwise:

    <!-- run: slow -->                     by `make docs` alone, not in `.ci/run`
    <!-- run: stays until "TEXT" -->       its last command goes on until the page ends; it prints TEXT when ready
    <!-- run: alone -->                    what goes on from before is ended first: another way to do the same
    <!-- run: ends with 1 -->              which is what the page says of it
    <!-- file: PATH -->                    what stands in the block is written to PATH in the clone
    <!-- not run: hours -->                or another of `REASONS`, or the file that runs it: `tests/…`, `.ci/run`

Several words of `run` have commas between them. What is not run is still held against the parsers of its commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
# README first: the others build on what it made.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
COMMANDS = ("sh", "bash", "python")
# Commands under names that would hide them; every other language is what a file holds, or what is answered.
HIDDEN = ("", "console", "shell", "shell-session", "zsh", "py", "python3", "pycon")
REASONS = {
    "hours": "takes longer than a test may",
    "cluster": "asks a cluster",
    "download": "fetches what no test may fetch",
    "another machine": "asks a machine that is not here",
}

_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->\s*", re.DOTALL)
_STAYS = re.compile(r'stays until "(.+)"')
_ENDS = re.compile(r"ends with (\d+)")


class VerdictError(Exception):
    """A block of which nobody can say whether it is run."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        where: Page and line, for people.
        language: Of the fence.
        text: What stands in it.
        is_run: Whether its commands are run.
        is_slow: Whether `.ci/run` leaves it out.
        is_alone: Whether what goes on from before is ended first.
        stays_until: What its last command prints when it is ready and goes on; empty: it ends.
        status: How its last command ends.
        file: To which path the text is written; empty: to none.
    """

    where: str
    language: str
    text: str
    is_run: bool = False
    is_slow: bool = False
    is_alone: bool = False
    stays_until: str = ""
    status: int = 0
    file: str = ""


def blocks(page: Path) -> Iterator[Block]:
    """All of a page.

    Raises:
        VerdictError: One without a verdict, or with one that is not known.
    """
    yield from blocks_of(page.read_text(encoding="utf-8"), page.name)


def blocks_of(text: str, name: str) -> Iterator[Block]:
    """`blocks`, of a page's text."""
    tokens = MarkdownIt().parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "fence" or token.map is None:
            continue
        where = f"{name}:{token.map[0] + 1}"
        comment = before.content if before is not None and before.type == "html_block" else ""
        yield _judged(where, token.info.strip(), token.content, _word(comment))


def _word(html: str) -> str:
    """The last comment before a fence."""
    found = _COMMENT.findall(html)
    return found[-1] if found else ""


def _judged(where: str, language: str, text: str, comment: str) -> Block:
    if language in HIDDEN:
        raise VerdictError(f"{where}: ```{language}: commands are {', '.join(COMMANDS)}, and what else it is, it says")
    kind, _, said = (part.strip() for part in comment.partition(":"))
    if kind == "file":
        return Block(where, language, text, file=said)
    if not comment:
        return Block(where, language, text, is_run=language in COMMANDS)
    if language not in COMMANDS:
        raise VerdictError(f"{where}: a block of {language} is not run, whatever {comment!r} says")
    if kind == "not run":
        if said not in REASONS and not ((ROOT / said).is_file() and re.match(r"tests/|\.ci/", said)):
            raise VerdictError(f"{where}: not run: {said!r} is no reason ({', '.join(REASONS)}) and no test")
        return Block(where, language, text)
    if kind != "run":
        raise VerdictError(f"{where}: {comment!r} says nothing that is known: run, not run or file")
    return _run(where, language, text, said)


def _run(where: str, language: str, text: str, said: str) -> Block:
    words, stays_until, status = set(), "", 0
    for word in re.split(r",\s*(?=slow|alone|stays|ends|$)", said):
        if word in ("slow", "alone"):
            words.add(word)
        elif stays := _STAYS.fullmatch(word):
            stays_until = stays[1]
        elif ends := _ENDS.fullmatch(word):
            status = int(ends[1])
        else:
            raise VerdictError(f"{where}: run: {word!r} is not known: slow, alone, stays until, ends with")
    return Block(where, language, text, True, "slow" in words, "alone" in words, stays_until, status)
