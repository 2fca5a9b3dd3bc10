"""Every link of a page leads to a file that is there, and to a heading that it has."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import PAGES


def _links(text: str) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(text):
        for child in token.children or ():
            if child.type == "link_open":
                yield str(child.attrs["href"])


def _anchors(text: str) -> set[str]:
    """Of headings, as GitHub makes them: small letters, no punctuation, hyphens for blanks."""
    tokens = MarkdownIt().parse(text)
    headings = [after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(page: Path, text: str) -> list[str]:
    broken = []
    for link in _links(text):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if "://" in link or link.startswith("mailto:"):
            continue
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page__its_links_lead_somewhere(page: Path) -> None:
    assert _broken(page, page.read_text(encoding="utf-8")) == []


def test_links__that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# What's *new*, here?\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n[a](other.md) [b](other.md#whats-new-here) [c](#page) [d](https://example.org/x)\n\n"
        "| x |\n|---|\n| [e](no.md) [f](other.md#old) |\n"
    )
    assert _broken(page, page.read_text()) == ["no.md", "other.md#old"]
