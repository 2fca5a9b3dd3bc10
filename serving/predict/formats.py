"""Formats in which answers are printed or written."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["table", "json", "csv", "raven", "audacity", "birdclef"]
FORMATS: tuple[Format, ...] = get_args(Format)
