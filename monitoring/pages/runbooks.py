"""Runbooks as pages: each is Markdown beside the rules, named after its alert."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

import monitoring
from silencio.errors import StorageError
from silencio.reports.markup import Markup

FOLDER = Path(monitoring.__file__).parent / "runbooks"
_PAGE = ".html"


def runbook_texts(folder: Path = FOLDER) -> dict[str, str]:
    """Markdown by alert.

    Args:
        folder: Folder of runbooks; where it is not there, nobody wrote one.

    Raises:
        StorageError: One cannot be read.
    """
    try:
        return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"the runbooks in {folder} cannot be read: {error}") from error


def rendered(markdown: str) -> Markup:
    """Markdown as HTML; markup in it is shown as text."""
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown))


def runbook_page(alert: str) -> str:
    """Where the page of an alert's runbook is, from the first page."""
    return f"runbooks/{alert}{_PAGE}"
