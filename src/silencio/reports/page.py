"""One self-contained HTML page of headings, sentences, tables and pictures."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #1d2b24; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .25rem .75rem; text-align: left }
thead { border-bottom: 2px solid #1d2b24 } tbody tr:nth-child(odd) { background: #eef3ef }
svg { max-width: 100%; height: auto }
"""


@dataclass(frozen=True)
class Figure:
    """A picture as SVG text."""

    svg: str


Block = str | pd.DataFrame | Figure


def page(title: str, blocks: list[Block | tuple[str, Block]], path: Path) -> None:
    """Write a page.

    Args:
        title: Heading of the page.
        blocks: In order: a sentence, a table or a picture, each alone or as (heading, block).
        path: The file.
    """
    parts = [f"<h1>{html.escape(title)}</h1>"]
    for block in blocks:
        if isinstance(block, tuple):
            parts.append(f"<h2>{html.escape(block[0])}</h2>")
            block = block[1]
        parts.append(_render(block))
    text = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}<style>{_STYLE}</style><body>{''.join(parts)}</body></html>", encoding="utf-8")


def _render(block: Block) -> str:
    if isinstance(block, Figure):
        return block.svg
    if isinstance(block, pd.DataFrame):
        return block.to_html(index=False, border=0, float_format=lambda value: f"{value:.3f}")
    return f"<p>{html.escape(block)}</p>"
