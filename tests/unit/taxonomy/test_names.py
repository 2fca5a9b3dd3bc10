"""Names that look alike are one name."""

from __future__ import annotations

import unicodedata

import pytest

from silencio.taxonomy import clean_name, listed, name_key


@pytest.mark.parametrize(
    "text",
    [
        "Gallus\u00a0gallus",
        "Gallus  gallus",
        " Gallus\tgallus\n",
        "Gallus\u202fgallus",
        "\ufeffGallus gallus",
        "Gallus\u200b gallus",
    ],
)
def test_clean_name__white_space_of_web_pages_is_a_blank(text: str) -> None:
    assert clean_name(text) == "Gallus gallus"


def test_clean_name__accents_are_composed_and_case_stays() -> None:
    assert clean_name(unicodedata.normalize("NFD", "Ñandú de Tucumán")) == "Ñandú de Tucumán"


@pytest.mark.parametrize("text", ["TURDUS MERULA", "turdus\u00a0merula", "Turdus  Merula", "\uff34urdus merula"])
def test_name_key__is_one_for_one_species(text: str) -> None:
    assert name_key(text) == name_key("Turdus merula")


def test_name_key__hyphens_of_word_processors_are_hyphens() -> None:
    assert name_key("Black\u2011throated Trogon") == name_key("black-throated trogon")


@pytest.mark.parametrize("other", ["Turdus merulas", "Turdusmerula", "Tùrdus merula", "Turdus merula merula"])
def test_name_key__another_name_stays_another(other: str) -> None:
    assert name_key(other) != name_key("Turdus merula")


def test_listed__each_once_and_of_many_how_many_more() -> None:
    assert listed(["a", "b", "a"]) == "a, b"
    assert listed([str(number) for number in range(60)]).endswith(", 49 and 10 more")
