"""The short page of a step: headings, sentences, tables and pictures, one after another."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from silencio.reports.document import Column, html, prose, table
from silencio.reports.markup import Markup, tag
from silencio.storage import write_atomically

# A sentence, a table, or a picture, which is markup already.
Block = str | Markup | pd.DataFrame


def page(title: str, blocks: list[Block | tuple[str, Block]], path: Path) -> None:
    """Write a page.

    Args:
        title: Heading of the page.
        blocks: Blocks in order: a sentence, a table or a picture, each alone or as (heading, block).
        path: The file; its folder is made.

    Raises:
        StorageError: It cannot be written.
    """
    parts = [tag("h1", title)]
    for one in blocks:
        heading, block = one if isinstance(one, tuple) else (None, one)
        if heading is not None:
            parts.append(tag("h2", heading))
        parts.append(_rendered(block, heading or title))
    write_atomically(path, html(title, tag("main", *parts), class_="step"))


def _rendered(block: Block, label: str) -> Markup:
    if isinstance(block, pd.DataFrame):
        columns = [Column(str(name), pd.api.types.is_numeric_dtype(block[name])) for name in block.columns]
        rows = [[_cell(value) for value in row] for row in block.itertuples(index=False)]
        return table(label, columns, rows, caption_shown=False)
    return block if isinstance(block, Markup) else prose(block)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
