"""Pages for people: the HTML that steps show in the KFP UI."""

from silencio.reports.figures import bars, curve
from silencio.reports.page import Figure, page

__all__ = ["Figure", "bars", "curve", "page"]
