"""Which licence a text names: SPDX expressions, Creative Commons' addresses, and the spellings of the field's sources.

A text is known as a whole or not at all. One word more, and it says something that nobody has read: it restricts.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

Restriction = Literal["", "non-commercial", "no derivatives", "all rights reserved", "unknown"]

_MAX_LETTERS = 300
_SEPARATORS = re.compile(r"[\s_\u00ad\u2010-\u2015\u2212-]+")
_VERSION = r"(?:version |v)?"
_EARLIER = r"(?:1[. ]0|2[. ]0|2[. ]1|2[. ]5|3[. ]0)"
# Where Creative Commons' licences before 4.0 were ported to.
_PORTED = (
    "(?:ar|at|au|az|be|bg|br|ca|ch|cl|cn|co|cr|cz|de|dk|ec|ee|eg|es|fi|fr|ge|gr|gt|hk|hr|hu|ie|igo|il|in|it|jp|kr|lu"
    "|mk|mt|mx|my|nl|no|nz|pe|ph|pl|pr|pt|ro|rs|scotland|se|sg|si|th|tw|ua|ug|uk|us|ve|vn|za)"
)
_ADDRESS = re.compile(
    r"(?:(?:https?:)?//)?(?:www\.)?creativecommons\.org/(?:"
    rf"licenses/by(?P<parts>(?:-(?:nc|sa|nd)){{0,2}})/(?:4\.0|(?:1\.0|2\.0|2\.1|2\.5|3\.0)(?:/{_PORTED})?)"
    r"|licenses/(?P<sampling>(?:nc-)?sampling\+?)/1\.0"
    r"|publicdomain/(?:zero|mark)/1\.0|licenses/publicdomain)"
    r"(?:/(?:deed|legalcode)(?:\.[a-z]{2,3}(?:[-_][a-z]{2,4})?)?)?/?(?:\?ref=[a-z0-9.-]+)?"
)
_PART = r"nc|noncommercial|non commercial|sa|sharealike|share alike|nd|noderivatives|noderivs|no derivatives|no derivs"
_CREATIVE_COMMONS = re.compile(
    r"(?:(?:cc|creative commons) by|(?:(?:cc|creative commons) )?attribution)"
    rf"(?P<parts>(?: (?:{_PART})){{0,2}})"
    # As a word, Norway's `no` may mean another thing.
    rf"(?: {_VERSION}(?:4[. ]0(?: international)?|{_EARLIER}(?: (?:unported|generic|(?!no\b){_PORTED}))?))?"
    r"(?: (?:public )?licen[cs]e)?(?: deed)?"
)
_ZERO = re.compile(
    r"(?:cc ?0|cc zero|creative commons (?:0|zero|cc0))(?: v?1[. ]0)?(?: universal)?(?: public domain dedication)?"
)
_GNU = re.compile(r"(?:gnu )?[al]?gpl(?: ?v?[123](?:\.[01])?\+?)?")
_SHORT = {"noncommercial": "nc", "sharealike": "sa", "noderivatives": "nd", "noderivs": "nd"}


@dataclass(frozen=True)
class Licence:
    """What a licence asks of whoever trains on a recording or ships weights; attribution is always given.

    Attributes:
        restriction: Why commercial use is not open; empty where it is.
        share_alike: What is made of it must be under the same licence.
    """

    restriction: Restriction = ""
    share_alike: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it says anything at all."""
        return self.restriction != "unknown"

    @property
    def words(self) -> str:
        """For a list: `non-commercial, share alike`, `unknown: restricts`."""
        if not self.is_known:
            return "unknown: restricts"
        return (self.restriction or "commercial use not excluded") + (", share alike" if self.share_alike else "")


UNKNOWN = Licence("unknown")
_FREE, _SHARED, _NON_COMMERCIAL = Licence(), Licence(share_alike=True), Licence("non-commercial")
# From the freest: what `A AND B` takes is the last, what `A OR B` may choose is the first.
_ORDER: tuple[Restriction, ...] = ("", "non-commercial", "no derivatives", "all rights reserved", "unknown")

# SPDX identifiers; those that neither list has are as unknown as any other word.
_SPDX_FREE = re.compile(
    r"CC0-1\.0|CC-PDDC|CC-PDM-1\.0|PDDL-1\.0|ODC-By-1\.0|CDLA-Permissive-[12]\.0|MIT|MIT-0|Apache-1\.1|Apache-2\.0|0BSD"
    r"|BSD-[1-4]-Clause|ISC|Zlib|BSL-1\.0|Unlicense|WTFPL|Artistic-[12]\.0|Python-2\.0|PSF-2\.0|OGL-UK-[123]\.0"
    r"|OGL-Canada-2\.0|etalab-2\.0|DL-DE-BY-2\.0|DL-DE-ZERO-2\.0|NLOD-[12]\.0"
)
_SPDX_SHARED = re.compile(
    r"[AL]?GPL-[123]\.[01](?:-only|-or-later)?|GFDL-1\.[123](?:-no-invariants)?(?:-only|-or-later)?|LAL-1\.[23]|CC-SA-1\.0"
    r"|ODbL-1\.0|CDLA-Sharing-1\.0|EUPL-1\.[012]|MPL-[12]\.[01]"
)
_SPDX_NON_COMMERCIAL = re.compile(r"PolyForm-Noncommercial-1\.0\.0|NCGL-UK-2\.0")
_SPDX_CREATIVE_COMMONS = re.compile(r"CC-BY(?P<parts>(?:-(?:NC|SA|ND))*)-\d\.\d(?:-[A-Z]+)?")

# As sources without a grammar write them, after `_normalised`: iNaturalist, Wikimedia, Debian's copyright files.
_SPELLED: dict[str, Licence] = {
    **dict.fromkeys(
        ("public domain", "publicdomain", "pd", "pdm", "public domain mark", "public domain mark 1.0"), _FREE
    ),
    **dict.fromkeys(("no rights reserved", "creative commons zero, public domain dedication"), _FREE),
    **dict.fromkeys(
        ("mit license", "the mit license", "expat", "bsd", "bsd license", "isc license", "zlib/libpng"), _FREE
    ),
    **dict.fromkeys(("apache", "apache 2", "apache 2.0", "apache license 2.0", "apache license, version 2.0"), _FREE),
    **dict.fromkeys(("artistic", "bsd 2 clause", "bsd 3 clause", "the unlicense"), _FREE),
    **dict.fromkeys(("gfdl", "gfdl 1.2", "gfdl 1.3", "fal", "free art license", "free art license 1.3"), _SHARED),
    **dict.fromkeys(("odbl", "open database license"), _SHARED),
    **dict.fromkeys(("all rights reserved", "c", "copyright"), Licence("all rights reserved")),
}


def read_licence(text: str) -> Licence:
    """The licence that a text names.

    `A AND B` asks what both ask, `A OR B` what the freer of them asks; an exception (`WITH …`) gives nothing more
    here. A name with its abbreviation in brackets, `Attribution 4.0 International (CC BY 4.0)`, is known where both
    say the same.

    Args:
        text: As a recording's metadata or an encoder's file has it.

    Returns:
        `UNKNOWN` for everything that is not known as a whole.
    """
    if len(text) > _MAX_LETTERS:
        return UNKNOWN
    plain = unicodedata.normalize("NFKC", text).strip()
    for read in (_of_spdx, _of_address, _of_spelling, _of_name_and_abbreviation):
        found = read(plain)
        if found is not None:
            return found
    return UNKNOWN


def _of_spdx(text: str) -> Licence | None:
    try:
        words = canonicalize_license_expression(text).replace("(", "( ").replace(")", " )").split()
    except InvalidLicenseExpression:
        return None
    # Python's own grammar of and, or and brackets is SPDX's.
    python: list[str] = []
    licences: list[Licence] = []
    is_exception = False
    for word in words:
        if word in ("AND", "OR", "(", ")"):
            python.append(word.lower())
        elif word == "WITH":
            is_exception = True
        elif is_exception:
            is_exception = False
        else:
            python.append(f"_{len(licences)}")
            licences.append(_of_identifier(word.removesuffix("+")))
    return _joined(ast.parse(" ".join(python), mode="eval").body, licences)


def _joined(node: ast.expr, licences: list[Licence]) -> Licence:
    if isinstance(node, ast.BoolOp):
        parts = [_joined(value, licences) for value in node.values]
        if isinstance(node.op, ast.Or):
            return min(parts, key=_rank)
        return Licence(max(parts, key=_rank).restriction, any(part.share_alike for part in parts))
    return licences[int(ast.unparse(node).removeprefix("_"))]


def _rank(licence: Licence) -> tuple[int, bool]:
    return _ORDER.index(licence.restriction), licence.share_alike


def _of_identifier(identifier: str) -> Licence:
    creative_commons = _SPDX_CREATIVE_COMMONS.fullmatch(identifier)
    if creative_commons:
        return _of_parts(creative_commons["parts"].lower().replace("-", " "))
    if _SPDX_FREE.fullmatch(identifier):
        return _FREE
    if _SPDX_SHARED.fullmatch(identifier):
        return _SHARED
    return _NON_COMMERCIAL if _SPDX_NON_COMMERCIAL.fullmatch(identifier) else UNKNOWN


def _of_address(text: str) -> Licence | None:
    found = _ADDRESS.fullmatch(text.lower())
    if found is None:
        return None
    # The sampling licences forbid whole recordings in advertising, and one of them all commerce.
    return _NON_COMMERCIAL if found["sampling"] else _of_parts((found["parts"] or "").replace("-", " "))


def _of_spelling(text: str) -> Licence | None:
    plain = _normalised(text)
    if plain in _SPELLED:
        return _SPELLED[plain]
    if _ZERO.fullmatch(plain):
        return _FREE
    if _GNU.fullmatch(plain):
        return _SHARED
    named = _CREATIVE_COMMONS.fullmatch(plain)
    return _of_parts(named["parts"]) if named else None


def _of_name_and_abbreviation(text: str) -> Licence | None:
    both = re.fullmatch(r"([^()]+) \(([^()]+)\)", _normalised(text))
    if both is None:
        return None
    name, abbreviation = _of_spelling(both[1]), _of_spelling(both[2])
    return name if name == abbreviation else None


def _normalised(text: str) -> str:
    return _SEPARATORS.sub(" ", text.casefold()).strip(" .;\"'")


def _of_parts(text: str) -> Licence:
    """Of Creative Commons' parts, `nc sa` or in full."""
    whole = text.replace("non commercial", "nc").replace("share alike", "sa")
    whole = whole.replace("no derivatives", "nd").replace("no derivs", "nd")
    parts = [_SHORT.get(part, part) for part in whole.split()]
    if len(set(parts)) < len(parts) or {"sa", "nd"} <= set(parts):
        return UNKNOWN  # there is no such licence
    restriction: Restriction = "non-commercial" if "nc" in parts else "no derivatives" if "nd" in parts else ""
    return Licence(restriction, "sa" in parts)
