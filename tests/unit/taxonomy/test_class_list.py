"""Which output of a model is which species."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError

from silencio.taxonomy import ClassList, Species


def _species(code: str, **names: str) -> Species:
    values: dict[str, Any] = {"scientific_name": f"Genus {code}", "common_name": f"The {code}", "class_name": "Aves"}
    return Species(code=code, **(values | names))


CODES = ["grekis", "1139490", "0126247", "126247", "bobfly1", "41970"]
CLASSES = ClassList.of(_species(code) for code in CODES)


def test_of__is_sorted_by_code_as_text() -> None:
    assert CLASSES.codes == ("0126247", "1139490", "126247", "41970", "bobfly1", "grekis")


def test_of__any_order_of_species_gives_the_same_list() -> None:
    shuffled = list(CLASSES)
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)
        assert ClassList.of(shuffled) == CLASSES
        assert ClassList.of(shuffled).sha256 == CLASSES.sha256


def test_codes__stay_text() -> None:
    assert all(isinstance(code, str) for code in CLASSES.codes)
    assert CLASSES.index["0126247"] != CLASSES.index["126247"]


def test_species__a_code_that_is_a_number_is_refused() -> None:
    with pytest.raises(ValidationError, match="code"):
        Species(code=1139490, scientific_name="a", common_name="b", class_name="c")  # type: ignore[arg-type]


def test_species__a_code_is_not_empty() -> None:
    with pytest.raises(ValidationError, match="code"):
        _species("")


def test_index__is_the_place_in_codes() -> None:
    assert CLASSES.index == {code: place for place, code in enumerate(CLASSES.codes)}
    assert [CLASSES[place].code for place in range(len(CLASSES))] == list(CLASSES.codes)


def test_list__is_a_sequence_of_species() -> None:
    assert len(CLASSES) == len(CODES)
    assert [one.code for one in CLASSES] == list(CLASSES.codes)
    assert CLASSES[-1].code == "grekis"


def test_list__a_code_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="'grekis' is listed twice"):
        ClassList.of([_species("grekis"), _species("a"), _species("grekis", common_name="Another")])


def test_list__of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="species"):
        ClassList.of([])


def test_list__read_from_a_file_keeps_its_order() -> None:
    # A bundle's order is what its model learned, whatever `of` would do today.
    unsorted = ClassList(species=(_species("b"), _species("a")))
    assert ClassList.model_validate_json(unsorted.model_dump_json()).codes == ("b", "a")


def test_list__survives_json() -> None:
    read = ClassList.model_validate_json(CLASSES.model_dump_json())
    assert read == CLASSES
    assert read.sha256 == CLASSES.sha256
    assert read.codes == CLASSES.codes


def test_list__what_was_computed_once_does_not_make_it_another() -> None:
    fresh = ClassList.of(list(CLASSES))
    assert len(CLASSES.index) == len(CLASSES.codes) and CLASSES.sha256
    assert fresh == CLASSES
    assert fresh.model_dump() == CLASSES.model_dump() == {"species": tuple(one.model_dump() for one in CLASSES)}


@pytest.mark.parametrize("name", ["code", "scientific_name", "common_name", "class_name"])
def test_sha256__changes_with_everything_about_a_species(name: str) -> None:
    changed = CLASSES[0].model_copy(update={name: "another"})
    assert ClassList(species=(changed, *CLASSES.species[1:])).sha256 != CLASSES.sha256


def test_sha256__changes_with_the_order_and_the_number() -> None:
    assert ClassList(species=CLASSES.species[::-1]).sha256 != CLASSES.sha256
    assert ClassList(species=CLASSES.species[1:]).sha256 != CLASSES.sha256


def test_list__is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        CLASSES.species = ()  # type: ignore[misc]  # what is tested
