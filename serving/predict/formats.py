"""Formats in which answers are printed or written."""

from __future__ import annotations

from silencio.detections.formats import FORMATS

TABLE, JSON = "table", "json"
# Of `--format`: for people, a line of JSON a recording, and files of other programs.
FORMAT_NAMES = (TABLE, JSON, *FORMATS)
