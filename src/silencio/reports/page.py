"""One self-contained HTML page of headings, sentences, tables and pictures."""

from __future__ import annotations

import html
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd

from silencio.storage import write_atomically


@dataclass(frozen=True)
class Figure:
    """A picture as SVG text."""

    svg: str


Block = str | pd.DataFrame | Figure


def stylesheet() -> str:
    """The one look of all pages: light and dark, on a phone and in print."""
    return (files("silencio.reports") / "report.css").read_text(encoding="utf-8")


def page(title: str, blocks: list[Block | tuple[str, Block]], path: Path) -> None:
    """Write a page.

    Args:
        title: Heading of the page.
        blocks: Blocks in order: a sentence, a table or a picture, each alone or as (heading, block).
        path: Path of the file.
    """
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for block in blocks:
        if isinstance(block, tuple):
            parts.append(f"<h2>{html.escape(block[0])}</h2>")
            block = block[1]
        parts.append(_render(block))
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{stylesheet()}</style>"
    )
    text = f'<!doctype html><html lang="en"><head>{head}</head><body class="step">{"".join(parts)}</body></html>'
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def _render(block: Block) -> str:
    if isinstance(block, Figure):
        return block.svg
    if isinstance(block, pd.DataFrame):
        table = block.to_html(index=False, border=0, float_format=lambda value: f"{value:.3f}", justify="left")
        return f'<div class="scroll" tabindex="0">{table}</div>'
    return f"<p>{html.escape(block)}</p>"
