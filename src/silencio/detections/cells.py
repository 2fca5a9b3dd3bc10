"""Cells of CSV tables that no spreadsheet takes for a formula.

Whoever names a recording `=HYPERLINK(…)` would otherwise have it calculated by whoever opens the table. Quotes of CSV
do not help: spreadsheets remove them first. What begins as a formula gets something before it that changes nothing for
programs: `./` before names of files, which is the same file, and an apostrophe before other texts, as OWASP advises
(https://owasp.org/www-community/attacks/CSV_Injection). Names that only begin with a dash or a plus, as recorders'
do, stay what they are: without a bracket, a sign or a reference, there is nothing in them to calculate. So do paths
(`-2024/night.wav`), unless all of their parts are numbers or references to cells (`-2/3`, `-A1/B2`). Numbers are no
texts and do not come here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# ASCII, and the full-width forms that some spreadsheets take for the same.
_BEGINS = tuple("=@\t\r\n\uff1d\uff20\uff0b\uff0d")
# A semicolon or a tab parts cells where the country or the program says so.
_QUOTED = re.compile(r'[,;"\t\r\n]')
_SIGNED = re.compile(r"[+-][\w ./-]*")
_OPERATOR = re.compile(r"[ /+-]+")
# Numbers, and cells as A1, R1C1 (of this row or column: R, C) and their rows' or columns' letters alone.
_OPERAND = re.compile(r"\d*\.?\d*(E\d*)?|[A-Z]{1,3}\d*|R\d*C\d*", re.IGNORECASE | re.ASCII)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may calculate a cell that begins like this one."""
    begins = text.lstrip(" \u00a0\ufeff") or text
    if begins.startswith(_BEGINS):
        return True
    if not begins.startswith(("+", "-")):
        return False
    if _SIGNED.fullmatch(begins) is None:
        return True
    return "/" in begins and all(_OPERAND.fullmatch(part) for part in _OPERATOR.split(begins))


def file_cell(name: str) -> str:
    """The name of a file, or what is made of one, such as BirdCLEF's `row_id`."""
    return f"./{name}" if is_formula(name) else name


def text_cell(text: str) -> str:
    """Any other text."""
    return f"'{text}" if is_formula(text) else text


def csv_line(cells: Iterable[object]) -> str:
    """One row of CSV with its line's end; cells with a comma, a semicolon or a tab in them are quoted."""
    return ",".join(_quoted(str(cell)) for cell in cells) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
