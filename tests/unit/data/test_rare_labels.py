"""Labels with too few recordings."""

from __future__ import annotations

import pandas as pd
import pytest

from silencio.data.rare_labels import without_rare_labels
from silencio.data.recordings import Source, make_source
from silencio.errors import DataError


@pytest.fixture
def source() -> Source:
    """Three owls, two cows, one crow that is heard behind an owl and a cow; an elk without a recording."""
    labels = ["owl", "owl", "owl", "cow", "cow", "crow"]
    rows = pd.DataFrame(
        {
            "recording_id": [f"{label}_{number}.ogg" for number, label in enumerate(labels)],
            "path": "somewhere",
            "primary_label": labels,
            "secondary_labels": [["crow"], [], [], ["crow"], [], ["owl"]],
        }
    )
    taxonomy = pd.DataFrame(
        {"scientific_name": "a", "common_name": "b", "class_name": "Aves"}, index=["owl", "cow", "crow", "elk"]
    )
    return make_source(rows, taxonomy)


def test_without_rare_labels__they_are_no_classes_any_more(source: Source) -> None:
    left = without_rare_labels(source, 3)
    assert left.classes.codes == ("owl",)
    assert list(left.recordings["recording_id"]) == ["owl_0.ogg", "owl_1.ogg", "owl_2.ogg"]
    assert list(left.recordings.index) == [0, 1, 2]


def test_without_rare_labels__exactly_so_many_is_enough(source: Source) -> None:
    assert without_rare_labels(source, 2).classes.codes == ("cow", "owl")


def test_without_rare_labels__each_is_named_beside_what_was_known(source: Source) -> None:
    faults = without_rare_labels(source, 3).faults
    rare = faults[faults["kind"] == "rare_label"]
    assert list(rare["recording_id"]) == ["cow_3.ogg", "cow_4.ogg", "crow_5.ogg"]
    assert list(rare["detail"]) == ["cow: 2 of 3", "cow: 2 of 3", "crow: 1 of 3"]
    assert rare["left_out"].all()
    assert "elk" in faults.loc[faults["kind"] == "no_recordings", "detail"].item()


def test_without_rare_labels__behind_others_they_have_no_class(source: Source) -> None:
    assert source.unknown_secondary_labels == {}
    assert without_rare_labels(source, 2).unknown_secondary_labels == {"crow": 2}
    # The cow behind which the other crow is heard is gone with it.
    assert without_rare_labels(source, 3).unknown_secondary_labels == {"crow": 1}


def test_without_rare_labels__none_is_rarer(source: Source) -> None:
    assert without_rare_labels(source, 1) is source


def test_without_rare_labels__none_is_left(source: Source) -> None:
    with pytest.raises(DataError, match="min_recordings=4 leaves no label: the most frequent one, 'owl', has 3"):
        without_rare_labels(source, 4)
