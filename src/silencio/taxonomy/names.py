"""Names that look alike: how species, labels and people are compared, whoever typed or copied them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_MAX_LISTED = 50
# Copied along with a name from web pages and documents, and never seen: zero width space, byte order mark, soft hyphen.
_UNSEEN = dict.fromkeys((0x200B, 0xFEFF, 0x00AD))
# Hyphens of word processors.
_HYPHENS = dict.fromkeys(range(0x2010, 0x2016), "-")


def clean_name(text: str) -> str:
    """A name as it is kept: accents composed (NFC), one blank for any white space, none at either end.

    `Gallus gallus` copied from a web page has a no-break space, a folder of macOS has decomposed accents: neither
    makes another species.
    """
    return " ".join(unicodedata.normalize("NFC", text).translate(_UNSEEN).split())


def name_key(text: str) -> str:
    """By which names are compared: equal for names that differ in case, accents' form, white space or hyphens."""
    compatible = unicodedata.normalize("NFKC", text).translate(_HYPHENS)
    return unicodedata.normalize("NFC", clean_name(compatible).casefold())


def listed(names: Sequence[str]) -> str:
    """Names for a message, each once; of many the first fifty, and how many more there are."""
    each = list(dict.fromkeys(names))
    more = f" and {len(each) - _MAX_LISTED} more" if len(each) > _MAX_LISTED else ""
    return ", ".join(each[:_MAX_LISTED]) + more
