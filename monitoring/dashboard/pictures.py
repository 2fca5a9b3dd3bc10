"""Pictures of the report's page system, each as an image of its own that brings its style."""

from __future__ import annotations

from importlib.resources import files

from silencio.reports.markup import Markup, tag

_NAMESPACE = "http://www.w3.org/2000/svg"


def standalone_svg(picture: Markup) -> str:
    """An SVG of the report as a file: browsers run nothing in an image, whatever its texts hold.

    Args:
        picture: The `svg` element.
    """
    style = (files("silencio.reports") / "report.css").read_text(encoding="utf-8")
    inside = picture.removeprefix("<svg")
    opening, _, content = inside.partition(">")
    return f'<svg xmlns="{_NAMESPACE}"{opening}>{tag("style", Markup(style))}{content}'
