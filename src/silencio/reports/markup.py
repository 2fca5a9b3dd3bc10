"""HTML and SVG put together from pieces; what data say is always text, never markup."""

from __future__ import annotations

import html


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | None
Value = str | int | float | bool | None


def join(*children: Child) -> Markup:
    """One after another: markup as it stands, other text escaped, None left out."""
    return Markup("".join(one if isinstance(one, Markup) else html.escape(one) for one in children if one is not None))


def tag(name: str, *children: Child, **attributes: Value) -> Markup:
    """An element.

    Args:
        name: Name of the element.
        children: What is inside, see `join`.
        attributes: An underscore stands for a hyphen, one at the end is dropped (`class_`); None and False are left
            out, True is an attribute without a value. Numbers are written with at most two decimals.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_written(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def _written(value: str | float) -> str:
    if isinstance(value, str):
        return html.escape(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
