"""A licence is known as a whole or not at all: whatever else a text says restricts."""

from __future__ import annotations

import csv
import itertools
import string
from importlib.resources import files
from random import Random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from silencio.bundle.licence_texts import UNKNOWN, Licence, read_licence

FREE, SHARED = Licence(), Licence(share_alike=True)
NC, NC_SHARED, ND = Licence("non-commercial"), Licence("non-commercial", share_alike=True), Licence("no derivatives")
RESERVED = Licence("all rights reserved")

# As each source writes them.
KNOWN = {
    # SPDX
    "CC0-1.0": FREE,
    "CC-PDM-1.0": FREE,
    "MIT": FREE,
    "mit-0": FREE,
    "Apache-2.0": FREE,
    "BSD-3-Clause": FREE,
    "ODC-By-1.0": FREE,
    "OGL-UK-3.0": FREE,
    "CC-BY-4.0": FREE,
    "CC-BY-3.0-DE": FREE,
    "CC-BY-SA-3.0": SHARED,
    "GPL-2.0-or-later": SHARED,
    "GPL-2.0+": SHARED,
    "LGPL-2.1-only": SHARED,
    "AGPL-3.0-or-later": SHARED,
    "LAL-1.2": SHARED,
    "ODbL-1.0": SHARED,
    "GFDL-1.3-or-later": SHARED,
    "CC-BY-NC-4.0": NC,
    "CC-BY-NC-SA-3.0-IGO": NC_SHARED,
    "CC-BY-ND-4.0": ND,
    "CC-BY-NC-ND-4.0": NC,
    "PolyForm-Noncommercial-1.0.0": NC,
    # Creative Commons' addresses, as Xeno-canto, GBIF and Freesound give them
    "//creativecommons.org/licenses/by-nc-sa/4.0/": NC_SHARED,
    "https://creativecommons.org/licenses/by-nc-sa/4.0/": NC_SHARED,
    "http://creativecommons.org/licenses/by-nc/4.0/legalcode": NC,
    "https://creativecommons.org/licenses/by/4.0/deed.en": FREE,
    "https://creativecommons.org/licenses/by-sa/4.0/legalcode.zh-hans": SHARED,
    "https://www.creativecommons.org/licenses/by-sa/3.0": SHARED,
    "creativecommons.org/licenses/by-nc/3.0/de/": NC,
    "http://creativecommons.org/licenses/by/2.5/scotland/deed.en": FREE,
    "https://creativecommons.org/licenses/by/4.0/?ref=chooser-v1": FREE,
    "http://creativecommons.org/publicdomain/zero/1.0/": FREE,
    "https://creativecommons.org/publicdomain/mark/1.0/deed.de": FREE,
    "http://creativecommons.org/licenses/publicdomain/": FREE,
    "http://creativecommons.org/licenses/sampling+/1.0/": NC,
    "https://creativecommons.org/licenses/nc-sampling+/1.0/": NC,
    # Xeno-canto's and BirdCLEF's words
    "Creative Commons Attribution-NonCommercial-ShareAlike 4.0": NC_SHARED,
    "Creative Commons Attribution-NonCommercial 4.0": NC,
    "Creative Commons Attribution-NonCommercial-NoDerivs 2.5": NC,
    "Creative Commons Attribution-ShareAlike 3.0": SHARED,
    "Creative Commons Attribution 3.0": FREE,
    "cc-by-nc-sa 4.0": NC_SHARED,
    "cc-by 4.0": FREE,
    "cc0 1.0": FREE,
    # iNaturalist and GBIF
    "cc-by-nc": NC,
    "cc-by-nd": ND,
    "cc0": FREE,
    "CC0_1_0": FREE,
    "CC_BY_4_0": FREE,
    "CC_BY_NC_4_0": NC,
    "All rights reserved": RESERVED,
    "No rights reserved": FREE,
    # Freesound
    "Attribution": FREE,
    "Attribution NonCommercial": NC,
    "Attribution Noncommercial": NC,
    "Creative Commons 0": FREE,
    # Wikimedia Commons
    "CC BY-SA 4.0": SHARED,
    "CC BY-SA 3.0 us": SHARED,
    "CC BY-SA 2.1 jp": SHARED,
    "Creative Commons Attribution-Share Alike 4.0 International": SHARED,
    "Creative Commons Attribution-Share Alike 3.0 Unported": SHARED,
    "Creative Commons Zero, Public Domain Dedication": FREE,
    "Public domain": FREE,
    "GFDL 1.2": SHARED,
    "FAL": SHARED,
    # Zenodo, figshare and Hugging Face
    "Creative Commons Zero v1.0 Universal": FREE,
    "Creative Commons Attribution 4.0 International": FREE,
    "Attribution 4.0 International (CC BY 4.0)": FREE,
    "Attribution-NonCommercial 4.0 International (CC BY-NC 4.0)": NC,
    "CC BY 4.0 Deed": FREE,
    "Creative Commons Attribution License": FREE,
    "Creative Commons Attribution Non Commercial No Derivatives 4.0": NC,
    "apache-2.0": FREE,
    "Apache License, Version 2.0": FREE,
    "MIT License": FREE,
    # Debian's copyright files
    "GPL-2": SHARED,
    "GPL-2+": SHARED,
    "LGPL-2.1+": SHARED,
    "GPLv3": SHARED,
    "GNU GPL v3": SHARED,
    "Expat": FREE,
    "public-domain": FREE,
    # Short forms without a grammar
    "publicdomain": FREE,
    "PD": FREE,
    "PDM": FREE,
    "Public Domain Mark": FREE,
    "Public Domain Mark 1.0": FREE,
    "The MIT License": FREE,
    "BSD": FREE,
    "BSD License": FREE,
    "BSD 2-Clause": FREE,
    "BSD 3-Clause": FREE,
    "ISC License": FREE,
    "zlib/libpng": FREE,
    "Apache": FREE,
    "Apache 2": FREE,
    "Apache 2.0": FREE,
    "Apache License 2.0": FREE,
    "Artistic": FREE,
    "The Unlicense": FREE,
    "GFDL": SHARED,
    "GFDL 1.3": SHARED,
    "Free Art License": SHARED,
    "Free Art License 1.3": SHARED,
    "ODbL": SHARED,
    "Open Database License": SHARED,
    "C": RESERVED,
    "Copyright": RESERVED,
    "NCGL-UK-2.0": NC,
    "Creative Commons Attribution No Derivs 3.0": ND,
    "Creative Commons Attribution-NoDerivs 3.0": ND,
    "Creative Commons Attribution-NoDerivatives 4.0 International": ND,
    # Whatever the order, and however many spaces
    "CC BY-SA-NC 3.0": NC_SHARED,
    "  CC  BY   4.0 ": FREE,
    "CC\u00a0BY\u20114.0.": FREE,
}

# What no permission follows from; the first eight are of a review, where a bag of words let them pass.
HOSTILE = [
    "All rights reserved, no Creative Commons licence, by J. Doe",
    "MIT Media Lab, all rights reserved",
    "not public domain",
    "CC BY 4.0, non commercial",
    "CC0 only for research",
    "BSD (Biodiversity Sound Database) research only",
    "Creative Commons Attribution 4.0 (CC BY-NC 4.0)",
    "Attribution (CC BY 4.0) (non commercial)",
    "see author field (CC BY-NC unless stated)",
    "",
    "   ",
    "ask me",
    "CC",
    "Creative Commons",
    "CC-BY-SA-ND-4.0",
    "CC BY SA ND",
    "CC BY-NC-NC 4.0",
    "CC BY 4.1",
    "CC BY 4.0 no",
    "CC BY 3.0 no",
    "CC BY 4.0 de",
    "https://creativecommons.org/licenses/by/4.0/de/",
    "CC BY 4",
    "non-MIT",
    "un-licensed",
    "CC BY 4.0 OR ask me",
    "MIT AND LicenseRef-research-only",
    "LicenseRef-CC0",
    "SSPL-1.0",
    "GFDL-1.3-invariants-only",
    "MIT WITH Commons-Clause",
    "MIT ISC",
    "(MIT",
    "https://creativecommons.org.evil.example/licenses/by/4.0/",
    "https://evil.example/creativecommons.org/licenses/by/4.0/",
    "https://creativecommons.org/licenses/by/4.0/?non-commercial",
    "https://creativecommons.org/licenses/by/4.0/ but not for companies",
    "https://creativecommons.org/licenses/by/9.0/",
    "https://creativecommons.org/licenses/by-sa-nd/4.0/",
    "https://creativecommons.org/licenses/",
    "ftp://creativecommons.org/licenses/by/4.0/",
    "CC BY 4.0\nNo commercial use",
    "CC\u200bBY 4.0",
    "MIT" + " " * 400,
    "( " * 3_000 + "MIT" + " )" * 3_000,
]
# Words of a licence's own name, which leave a permission what it is: CC BY 4.0 International, CC BY SA, GNU GPL-2.
_OF_NAMES = {"international", "unported", "generic", "licence", "license", "deed", "universal", "sa", "+", "gnu", "the"}
_COUNTRIES = {a + b for a in string.ascii_lowercase for b in string.ascii_lowercase} - {"no", "nc", "nd", "or"}
_MEANING = (
    "not",
    "no",
    "non",
    "nc",
    "nd",
    "sa",
    "noncommercial",
    "only",
    "research",
    "unless",
    "and",
    "or",
    "with",
    "+",
)


@pytest.mark.parametrize(("text", "licence"), KNOWN.items())
def test_read_licence__as_its_source_writes_it(text: str, licence: Licence) -> None:
    assert read_licence(text) == licence


_FREE_IDENTIFIERS = (
    "CC0-1.0 CC-PDDC CC-PDM-1.0 PDDL-1.0 ODC-By-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 MIT MIT-0 Apache-1.1 "
    "Apache-2.0 0BSD BSD-1-Clause BSD-2-Clause BSD-3-Clause BSD-4-Clause ISC Zlib BSL-1.0 Unlicense WTFPL Artistic-1.0 "
    "Artistic-2.0 Python-2.0 PSF-2.0 OGL-UK-1.0 OGL-UK-2.0 OGL-UK-3.0 OGL-Canada-2.0 etalab-2.0 DL-DE-BY-2.0 "
    "DL-DE-ZERO-2.0 NLOD-1.0 NLOD-2.0 CC-BY-1.0 CC-BY-2.5-AU CC-BY-3.0-IGO CC-BY-4.0"
)
_SHARED_IDENTIFIERS = (
    "GPL-1.0 GPL-2.0 GPL-2.0-only GPL-3.0-or-later LGPL-2.0 LGPL-2.1-or-later LGPL-3.0 AGPL-1.0-only AGPL-3.0 GFDL-1.1 "
    "GFDL-1.2-no-invariants-only GFDL-1.3-or-later LAL-1.2 LAL-1.3 CC-SA-1.0 ODbL-1.0 CDLA-Sharing-1.0 EUPL-1.0 "
    "EUPL-1.1 EUPL-1.2 MPL-1.0 MPL-1.1 MPL-2.0 CC-BY-SA-2.1-JP CC-BY-SA-4.0"
)


@pytest.mark.parametrize("identifier", _FREE_IDENTIFIERS.split())
def test_read_licence__identifiers_that_leave_commercial_use_open(identifier: str) -> None:
    assert read_licence(identifier) == read_licence(identifier.lower()) == FREE


@pytest.mark.parametrize("identifier", _SHARED_IDENTIFIERS.split())
def test_read_licence__identifiers_that_ask_for_the_same_licence(identifier: str) -> None:
    assert read_licence(identifier) == read_licence(identifier.upper()) == SHARED


def test_read_licence__a_text_longer_than_any_name_is_not_read() -> None:
    assert read_licence("MIT".ljust(300)) == FREE
    assert read_licence("MIT".ljust(301)) == UNKNOWN


@pytest.mark.parametrize("text", HOSTILE)
def test_read_licence__what_says_more_or_less_is_unknown(text: str) -> None:
    assert read_licence(text) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("MIT AND CC-BY-NC-4.0", NC),
        ("CC-BY-SA-4.0 AND CC-BY-NC-4.0", NC_SHARED),
        ("CC-BY-ND-4.0 and CC-BY-NC-4.0", ND),
        ("MIT OR CC-BY-NC-4.0", FREE),
        ("GPL-3.0-only OR MIT", FREE),
        ("CC-BY-NC-SA-4.0 OR CC-BY-NC-4.0", NC),
        ("LicenseRef-mine OR GPL-3.0-only", SHARED),
        ("CC-BY-NC-4.0 AND (MIT OR ISC)", NC),
        ("MIT OR ISC AND CC-BY-NC-4.0", FREE),
        ("(MIT OR ISC) AND CC-BY-NC-4.0", NC),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", SHARED),
        ("GPL-2.0-only WITH Classpath-exception-2.0 AND MIT", SHARED),
    ],
)
def test_read_licence__and_takes_the_strictest_or_the_freest_and_an_exception_nothing(
    text: str, licence: Licence
) -> None:
    assert read_licence(text) == licence


def test_read_licence__every_version_and_part_of_creative_commons_in_every_spelling() -> None:
    parts = {"": FREE, "-nc": NC, "-sa": SHARED, "-nd": ND, "-nc-sa": NC_SHARED, "-nc-nd": NC}
    full = {"-nc": "-NonCommercial", "-sa": "-ShareAlike", "-nd": "-NoDerivatives"}
    for (part, licence), version in itertools.product(parts.items(), ("1.0", "2.0", "2.5", "3.0", "4.0")):
        name = "".join(full[f"-{one}"] for one in part.split("-") if one)
        for text in (
            f"CC-BY{part.upper()}-{version}",
            f"CC BY{part.upper()} {version}",
            f"https://creativecommons.org/licenses/by{part}/{version}/",
            f"Creative Commons Attribution{name} {version}",
            f"Attribution{name} {version}{' International' if version == '4.0' else ' Unported'}",
        ):
            assert read_licence(text) == licence, text


def test_read_licence__knows_all_of_the_demo_recordings() -> None:
    with (files("silencio.demo") / "sources.csv").open(encoding="utf-8") as table:
        texts = {row["license"] for row in csv.DictReader(table)}
    assert texts and all(read_licence(text).is_known for text in texts)


words = st.one_of(st.sampled_from(_MEANING), st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12))


@given(st.sampled_from(sorted(KNOWN)), words, st.integers(0, 8))
@example("CC BY 4.0", "not", 0)
@example("Attribution", "non", 0)
def test_read_licence__a_word_more_restricts(text: str, word: str, place: int) -> None:
    assume(word.casefold() not in _OF_NAMES | _COUNTRIES)
    parts = text.split()
    parts.insert(place, word)
    assert read_licence(" ".join(parts)).restriction


@given(st.sampled_from(sorted(KNOWN)), words, st.integers(0, 8))
def test_read_licence__no_word_makes_a_licence_freer(text: str, word: str, place: int) -> None:
    parts = text.split()
    parts.insert(place, word)
    if KNOWN[text].restriction:
        assert read_licence(" ".join(parts)).restriction


@given(st.sampled_from(sorted(KNOWN)), st.randoms(use_true_random=False))
def test_read_licence__case_and_spaces_around_change_nothing(text: str, random: Random) -> None:
    shuffled = "".join(letter.upper() if random.random() < 0.5 else letter.lower() for letter in text)
    assert read_licence(f"\t{shuffled}\n ") == KNOWN[text]


@given(
    st.sampled_from([text for text in KNOWN if "." in text and "/" not in text]),
    st.sampled_from(" -_\u2010\u2013\u00a0"),
)
def test_read_licence__dash_underscore_and_space_are_one(text: str, dash: str) -> None:
    if "OR" not in text and text.upper().startswith(("CC BY", "CC-BY", "CC0")):
        assert read_licence(text.strip().replace(" ", dash)) == KNOWN[text]


@given(st.text(max_size=400))
def test_read_licence__any_text_is_read_without_a_fault(text: str) -> None:
    assert read_licence(text).words


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        (UNKNOWN, "unknown: restricts"),
        (FREE, "commercial use not excluded"),
        (SHARED, "commercial use not excluded, share alike"),
        (ND, "no derivatives"),
        (RESERVED, "all rights reserved"),
        (NC_SHARED, "non-commercial, share alike"),
    ],
)
def test_words__say_what_was_read(licence: Licence, words: str) -> None:
    assert licence.words == words
