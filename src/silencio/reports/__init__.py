"""Pages for people: the HTML that steps show in the KFP UI."""

from silencio.reports.figures import bars, curve
from silencio.reports.page import page

__all__ = ["bars", "curve", "page"]
