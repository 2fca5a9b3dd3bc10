"""The tables that the dashboard shows."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from monitoring.dashboard import tables
from monitoring.dashboard.collection import UNLABELLED, Collection, claimed_durations_s, open_collection
from monitoring.dashboard.tables import NO_SITE, Selection
from silencio.data.faults import Fault, fault_table
from silencio.errors import SourceError
from tests.tiny_reserve import ANIMALS, PER_SPECIES, write_source

N = len(ANIMALS) * PER_SPECIES


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The tiny reserve with ratings, places, a second label, a row of an unknown species, and a soundscape."""
    root = write_source(tmp_path_factory.mktemp("reserve"))
    with (root / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    more = ("rating", "latitude", "longitude")
    for number, row in enumerate(rows):
        row |= {"rating": ("4.5", "0", "3", "")[number % 4], "latitude": "", "longitude": ""}
        if row["primary_label"] == "grekis":
            row |= {"latitude": "-4.7101", "longitude": f"-74.07{number}"}
    rows[0]["secondary_labels"] = "['41970']"
    rows[1]["author"] = "Somebody (else)"
    rows.append(rows[-1] | {"primary_label": "nobody", "filename": "nobody/x.ogg"})
    with (root / "train.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        assert set(more) <= set(writer.fieldnames)
        writer.writeheader()
        writer.writerows(rows)
    (root / "train_soundscapes").mkdir()
    soundfile.write(root / "train_soundscapes" / "H02_20230420_074000.ogg", np.zeros(16_000, np.float32), 16_000)
    return open_collection(str(root))


def test_collection__has_every_recording_and_soundscape_once(collection: Collection) -> None:
    assert len(collection.table) == N + 1
    assert collection.table["recording_id"].is_unique
    soundscape = collection.table.iloc[-1]
    assert (soundscape["class_name"], soundscape["code"], soundscape["site"]) == (UNLABELLED, "", "H02")


def test_collection__rating_0_is_not_rated(collection: Collection) -> None:
    table = collection.table.set_index("recording_id")
    assert table.at["grekis/grekis_0.ogg", "rating"] == 4.5
    assert np.isnan(table.at["grekis/grekis_1.ogg", "rating"])
    assert table.at["grekis/grekis_2.ogg", "rating"] == 3.0


def test_collection__names_the_row_of_an_unknown_species(collection: Collection) -> None:
    assert ("nobody/x.ogg", "unknown_label") in set(
        collection.faults[["recording_id", "kind"]].itertuples(index=False, name=None)
    )


def test_collection__of_no_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        open_collection(str(tmp_path / "nothing"))


def test_durations__are_those_of_the_sound_and_unknown_for_what_is_no_audio(
    collection: Collection, tmp_path: Path
) -> None:
    (tmp_path / "x.ogg").write_bytes(b"no audio")
    paths = [collection.table["path"].iloc[0], str(tmp_path / "x.ogg"), str(tmp_path / "missing.ogg"), "s3://b/x.ogg"]
    durations_s = claimed_durations_s(pd.DataFrame({"path": paths}))
    assert durations_s.iloc[0] == pytest.approx(soundfile.info(paths[0]).duration, abs=0.05)
    assert durations_s.isna().tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("selection", "n"),
    [
        (Selection(), N + 1),
        (Selection(class_names=("Aves",)), PER_SPECIES),
        (Selection(class_names=("Aves", UNLABELLED)), PER_SPECIES + 1),
        (Selection(codes=("41970",)), PER_SPECIES + 1),  # with the one that names it second
        (Selection(sites=("H02",)), 1),
        (Selection(sites=(NO_SITE,)), N),
        (Selection(text="GREKIS_1"), 1),
        (Selection(text="(else)"), 1),  # no regular expression
        (Selection(class_names=("Aves",), sites=("H02",)), 0),
    ],
)
def test_selection__keeps_what_it_names(collection: Collection, selection: Selection, n: int) -> None:
    assert len(tables.select(collection.table, selection)) == n


def test_class_counts__a_recording_without_a_label_is_no_species(collection: Collection) -> None:
    counts = tables.class_counts(collection.table).set_index("class_name")
    assert counts["n_recordings"].sum() == N + 1
    assert counts.loc["Aves"].tolist() == [1, PER_SPECIES]
    assert counts.loc[UNLABELLED].tolist() == [0, 1]


def test_species_counts__second_labels_are_counted_apart(collection: Collection) -> None:
    counts = tables.species_counts(collection.table).set_index("code")
    assert list(counts.index) == sorted(ANIMALS)  # all of equal number: by code
    assert counts.at["41970", "n_recordings"] == PER_SPECIES
    assert counts.at["41970", "n_secondary"] == 1
    assert counts.at["grekis", "n_authors"] == 2


def test_rating_counts__are_in_order_with_the_unrated_at_the_end(collection: Collection) -> None:
    counts = tables.rating_counts(collection.table)
    assert counts["rating"].tolist() == ["3", "4.5", "not rated"]
    assert counts["n_recordings"].sum() == N + 1


def test_duration_counts__an_edge_belongs_to_the_longer_class() -> None:
    counts = tables.duration_counts(pd.Series([0.2, 1.0, 5.0, 4.99, 400.0, np.nan])).set_index("duration")
    found = counts["n_recordings"]
    assert found[found > 0].to_dict() == {
        "below 1 s": 1,
        "1 to 2 s": 1,
        "2 to 5 s": 1,
        "5 to 10 s": 1,
        "above 5 min": 1,
        "not known": 1,
    }


def test_place_counts__are_a_point_for_what_is_near(collection: Collection) -> None:
    counts = tables.place_counts(collection.table)
    assert counts["n_recordings"].sum() == PER_SPECIES
    assert counts["latitude"].unique().tolist() == [-4.71]
    assert len(counts) == 1


def test_site_counts__tell_first_and_last_time(collection: Collection) -> None:
    counts = tables.site_counts(collection.table).set_index("site")
    assert counts.at["H02", "first"] == counts.at["H02", "last"] == "2023-04-20T07:40:00"
    assert counts.at[NO_SITE, "n_species"] == len(ANIMALS)
    assert counts.at[NO_SITE, "first"] == ""


def test_faults__those_of_the_tables_stay_whatever_is_filtered(collection: Collection) -> None:
    faults = fault_table(
        [
            Fault("grekis/grekis_0.ogg", "silent", ""),
            Fault("41970/41970_0.ogg", "silent", ""),
            Fault("nobody/x.ogg", "unknown_label", ""),
            Fault("", "no_recordings", "abc"),
        ]
    )
    shown = tables.select(collection.table, Selection(class_names=("Aves",)))
    kept = tables.faults_of(faults, shown, collection.table)
    assert set(kept["recording_id"]) == {"grekis/grekis_0.ogg", "nobody/x.ogg", ""}
