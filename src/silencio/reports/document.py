"""The page around sections: contents, style and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from silencio.reports.markup import Child, Markup, join, tag


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
        name: Anchor of the section.
        title: Heading of the section.
        body: What is below the heading.
    """

    name: str
    title: str
    body: Markup


def document(title: str, opening: Markup, sections: Sequence[Section]) -> str:
    """A whole page.

    Args:
        title: Title of the window.
        opening: What stands above the contents.
        sections: Sections in order.
    """
    contents = tag(
        "nav",
        tag("ol", *(tag("li", tag("a", one.title, href=f"#{one.name}")) for one in sections)),
        aria_label="Contents",
    )
    bodies = (tag("section", tag("h2", one.title), one.body, id=one.name) for one in sections)
    skip = tag("a", "To the content", href="#content", class_="skip")
    return f"{html(title, skip, tag('header', opening), contents, tag('main', *bodies, id='content'))}\n"


def html(title: str, *body: Child, class_: str | None = None) -> Markup:
    """A whole HTML document.

    Args:
        title: Title of the window.
        body: What is in it.
        class_: CSS class of the body.
    """
    style = (files("silencio.reports") / "report.css").read_text(encoding="utf-8")
    head = join(
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", title),
        tag("style", Markup(style)),
    )
    return Markup(f"<!doctype html>{tag('html', tag('head', head), tag('body', *body, class_=class_), lang='en')}")


def prose(*children: Child, class_: str | None = None) -> Markup:
    """A paragraph."""
    return tag("p", *children, class_=class_)


def figure(picture: Markup, caption: Child, class_: str | None = None) -> Markup:
    """A picture with what it shows."""
    return tag("figure", picture, tag("figcaption", caption), class_=class_)


def side_by_side(*parts: Markup) -> Markup:
    """Next to each other where there is room."""
    return tag("div", *parts, class_="side")


def bullets(lines: Sequence[Child], class_: str | None = None) -> Markup:
    """A list."""
    return tag("ul", *(tag("li", one) for one in lines), class_=class_)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Heading of the column.
        is_number: Set to the right, in figures of equal width.
        heading: What stands there instead of the name, such as the scale of a picture.
    """

    name: str
    is_number: bool = False
    heading: Markup | None = None


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Child]],
    classes: Sequence[str] | None = None,
    *,
    caption_shown: bool = True,
) -> Markup:
    """A table whose first column names the row; it scrolls by itself where it is wider than the screen.

    Args:
        caption: What it shows.
        columns: Columns from left to right.
        rows: One cell a column.
        classes: One a row.
        caption_shown: Whether the caption stands above it; for a screen reader it is its name all the same.
    """
    head = (tag("th", one.heading or one.name, scope="col", class_=_kind(one)) for one in columns)
    body = []
    for number, row in enumerate(rows):
        cells = [
            tag("th" if place == 0 else "td", cell, scope="row" if place == 0 else None, class_=_kind(column))
            for place, (column, cell) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(tag("tr", *cells, class_=classes[number] or None if classes else None))
    above = tag("caption", tag("span", caption)) if caption_shown else None
    whole = tag("table", above, tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _kind(column: Column) -> str | None:
    return "number" if column.is_number else None
