"""Numbers and names as people read them."""

from __future__ import annotations

import math

import pytest

from silencio.reports.wording import (
    between,
    count,
    decimals,
    has_width,
    hours,
    in_words,
    listed,
    minus,
    one_of,
    percent,
    points,
    signed,
    species_name,
    taxon,
    whole,
)
from silencio.taxonomy import ClassList, Species


def test_percent__of_a_share() -> None:
    assert percent(0.504) == "50\u202f%"


@pytest.mark.parametrize("show", [percent, decimals, points, signed, whole])
@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_no_number__is_a_dash(show, value) -> None:
    assert show(value) == "\N{EN DASH}"


def test_differences__have_a_sign_and_nothing_has_none() -> None:
    assert points(0.123) == "+12\u202fpoints"
    assert points(-0.123) == "\N{MINUS SIGN}12\u202fpoints"
    assert points(-0.001) == "0\u202fpoints"
    assert signed(0.0042) == "+0.004"
    assert signed(-0.0001) == "0.000"


def test_between__says_the_unit_once() -> None:
    assert between((0.37, 0.61)) == "37 to 61\u202f%"
    assert between((-0.066, 0.2), points) == "\N{MINUS SIGN}7 to +20\u202fpoints"
    assert between((0.1, 0.25), decimals) == "0.10 to 0.25"


@pytest.mark.parametrize("interval", [None, (0.0, 0.0), (1.0, 1.0), (math.nan, math.nan), (0.1, math.nan)])
def test_between__an_interval_that_says_nothing_is_a_dash(interval) -> None:
    assert between(interval) == "\N{EN DASH}"
    assert interval is None or not has_width(interval)


def test_count__of_one_and_of_many() -> None:
    assert count(1, "recording") == "1\u202frecording"
    assert count(1200, "recording") == "1,200\u202frecordings"
    assert count(0, "species", "species") == "0\u202fspecies"


def test_hours__are_minutes_below_one() -> None:
    assert hours(1200) == "20\u202fmin"
    assert hours(5400) == "1.5\u202fh"


def test_listed__joins_as_people_do() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_taxon__is_a_plain_word_or_itself() -> None:
    assert (taxon("Amphibia"), one_of("Amphibia")) == ("amphibians", "amphibian")
    assert (taxon("Arachnida"), one_of("Arachnida")) == ("Arachnida", "Arachnida")


def test_species_name__falls_back_to_what_is_known() -> None:
    classes = ClassList.of([Species(code="a", scientific_name="Aus bus", common_name="", class_name="Aves")])
    assert species_name("a", classes) == "Aus bus"
    assert species_name("unknown1", classes) == "unknown1"


def test_in_words__translates_whole_names_only() -> None:
    assert (
        in_words("test macro_map is 0.3 [-0.1, 0.2]") == "test mean average precision is 0.3 [\N{MINUS SIGN}0.1, 0.2]"
    )
    assert in_words("top10 and my_top1 stay") == "top10 and my_top1 stay"


def test_minus__leaves_hyphens_alone() -> None:
    assert minus("gain -30 dB, low-pass, log-mel, XC-12") == "gain \N{MINUS SIGN}30 dB, low-pass, log-mel, XC-12"
